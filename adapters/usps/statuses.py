"""Both vocabularies of sheet (e), event codes and statusCategory, and the texts that may be read.

A code decides; of a code in no table the text may be read, in the order below, and never as delivered. The category
is of the whole parcel: it speaks where the newest event says nothing we know, and where there is no event at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Status

CODES = table(
    ("MA GX TM", Status.PRE_TRANSIT),
    ("03 OA UA PA", Status.PICKED_UP),
    ("10 NT EF SF L1 DX PX PC 06 07 17 19 41 42 80 81 82 AD A1 T1", Status.IN_TRANSIT),  # 41 is no delivery
    ("OF", Status.OUT_FOR_DELIVERY),
    ("01 60 43 I0", Status.DELIVERED),  # by text: returned
    ("02 30 51 52 53 54 55 H0", Status.ATTEMPT_FAILED),
    ("56", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("14 16", Status.AVAILABLE_FOR_PICKUP),
    ("04", Status.EXCEPTION, Reason.REFUSED),
    ("05 21 22 23 24 25 26", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("28 44", Status.EXCEPTION, Reason.OTHER),
    ("08 15", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("09 29", Status.RETURNING),
    ("27 31", Status.EXCEPTION, Reason.UNCLAIMED),
    ("11", Status.EXCEPTION, Reason.LOST),
)
#: Compared without regard to case.
CATEGORIES: Mapping[str, Meaning] = {
    "pre-shipment": Meaning(Status.PRE_TRANSIT),
    "accepted": Meaning(Status.PICKED_UP),
    "in transit": Meaning(Status.IN_TRANSIT),
    "in-transit": Meaning(Status.IN_TRANSIT),
    "preparing for delivery": Meaning(Status.IN_TRANSIT),
    "out for delivery": Meaning(Status.OUT_FOR_DELIVERY),
    "available for pickup": Meaning(Status.AVAILABLE_FOR_PICKUP),
    "delivered": Meaning(Status.DELIVERED),  # by text: returned
    "delivered to agent": Meaning(Status.DELIVERED),  # of the addressee; the text says who has it
    "delivery attempt": Meaning(Status.ATTEMPT_FAILED),
    "delivery attempt: action needed": Meaning(Status.ATTEMPT_FAILED),
    "alert": Meaning(Status.EXCEPTION, Reason.OTHER),  # by text: the reason
    "return to sender": Meaning(Status.RETURNING),  # by text: returned
    "returned to sender": Meaning(Status.RETURNING),  # by text: returned
    "non-tracking updates": Meaning(Status.INFO),
    "": Meaning(Status.INFO),
}
STATUSES = {**CODES, **CATEGORIES}

#: Delivered, and the sender has it. "Being returned to original sender" is under way.
_SENDERS = re.compile(r"(?<!being returned )(?<!returning )(?<!return )to original sender")
_TO_SENDER = re.compile(r"to (the )?(original )?sender")
_TEXTS = {
    "return to sender|being returned": Meaning(Status.RETURNING),
    "refused": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "insufficient address|no such number": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "unclaimed": Meaning(Status.EXCEPTION, Reason.UNCLAIMED),
    "damaged": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "weather|natural disaster": Meaning(Status.EXCEPTION, Reason.WEATHER),
    "held in customs": Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "customs": Meaning(Status.CUSTOMS),
    "delayed|arriving late": Meaning(Status.EXCEPTION, Reason.CARRIER_DELAY),
}


def of_event(code: str, said: str) -> tuple[Meaning, bool]:
    """What an event means, and whether its text says so."""
    said, known = said.casefold(), CODES.get(code)
    if _back(known, said):
        return Meaning(Status.RETURNED), True
    if known:
        return known, False
    read = told(_TEXTS, said)
    return (read, True) if read else (Meaning(Status.UNKNOWN), False)


def of_category(category: str, said: str) -> tuple[Meaning, bool]:
    """What a category means, and whether the text beside it says so."""
    said, known = said.casefold(), CATEGORIES.get(category.casefold())
    if _back(known, said):
        return Meaning(Status.RETURNED), True
    if known == CATEGORIES["alert"] and (read := told(_TEXTS, said)):
        return read, True
    return known or Meaning(Status.UNKNOWN), False


def _back(known: Meaning | None, said: str) -> bool:
    """Whether a text says that the sender has it; of a delivery "to sender" is enough."""
    delivered = known is not None and known.status is Status.DELIVERED
    return bool(_SENDERS.search(said) or (delivered and _TO_SENDER.search(said)))
