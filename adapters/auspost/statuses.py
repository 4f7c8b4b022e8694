"""Sheet (e): the words of `status`, which descriptions of events use too, compared without regard to case.

A description is read for these words only, without what it wishes, advises and forecasts. One that begins with
"Delivered" is a delivery where the whole text agrees: a locker is not the recipient. Texts repeat, so what was read is
remembered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import told
from gateway.contract.phrases import TABLES, plain, read_text
from gateway.domain import Reason, Status

STATUSES: Mapping[str, Meaning] = {
    **dict.fromkeys(("Created", "Initiated", "Sealed"), Meaning(Status.PRE_TRANSIT)),
    **dict.fromkeys(("Shipping information received", "Unsuccessful pickup"), Meaning(Status.PRE_TRANSIT)),
    **dict.fromkeys(("Accepted", "Received by Australia Post"), Meaning(Status.PICKED_UP)),
    **dict.fromkeys(("In transit", "Track items for detailed delivery information"), Meaning(Status.IN_TRANSIT)),
    **dict.fromkeys(("Cleared and awaiting international departure", "customs"), Meaning(Status.CUSTOMS)),
    **dict.fromkeys(("Out for delivery", "With driver", "Onboard for delivery"), Meaning(Status.OUT_FOR_DELIVERY)),
    **dict.fromkeys(("Awaiting collection", "Ready for pickup"), Meaning(Status.AVAILABLE_FOR_PICKUP)),
    **dict.fromkeys(("Delivered", "Delivered in Full"), Meaning(Status.DELIVERED)),  # with "to sender": returned
    **dict.fromkeys(("Partial Delivery", "Final Shortage"), Meaning(Status.EXCEPTION, Reason.OTHER)),  # not all of it
    **dict.fromkeys(("Unsuccessful Delivery", "Attempted delivery", "carded"), Meaning(Status.ATTEMPT_FAILED)),
    "Possible delay": Meaning(Status.EXCEPTION, Reason.CARRIER_DELAY),
    "Article damaged": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    **dict.fromkeys(("Cannot be delivered", "Held by courier"), Meaning(Status.EXCEPTION, Reason.OTHER)),
    "Return to sender": Meaning(Status.RETURNING),
    "Cancelled": Meaning(Status.CANCELLED),
}
_BY_FOLDED = {word.casefold(): word for word in STATUSES}
_DELIVERED = Meaning(Status.DELIVERED)
_TO_SENDER = r"\bto (?:the )?sender\b"
_BACK = r"\breturn(?:ed|ing)? to (?:the )?sender|being returned"
#: Words that count inside a description, in the order in which they are looked for: what went wrong comes first.
_INSIDE = (
    *("Partial Delivery", "Final Shortage", "Article damaged", "Cannot be delivered", "Unsuccessful pickup"),
    *("Unsuccessful Delivery", "Attempted delivery", "carded", "Held by courier", "Possible delay"),
    *("Shipping information received", "Cleared and awaiting international departure", "customs"),
    *("Awaiting collection", "Ready for pickup", "Out for delivery", "Onboard for delivery", "With driver"),
    "Received by Australia Post",
)
_PHRASES = {rf"\b{word.casefold()}\b": word for word in _INSIDE}
_PHRASES |= {rf"^{word.casefold()}\b": word for word in ("Accepted", "In transit")}


def listed_word(said: str) -> str:
    """The table's word that a status is; '' for one that is in no table."""
    return _BY_FOLDED.get(said.casefold(), "")


@lru_cache(1024)
def described(description: str) -> str:
    """The table's word that a description tells; '' where it tells none."""
    facts = _facts(description)
    if whole := listed_word(description):
        return whole
    if word := told(_PHRASES, facts):
        return word
    return "Delivered" if re.match(r"delivered\b", facts) and read_text(description, ("en",)) == _DELIVERED else ""


@lru_cache(1024)
def way_back(status: str, description: str) -> Meaning | None:
    """Whether it goes back, or has come back, to the sender; None where it does not. Comes before the status."""
    facts = _facts(description)
    arrived = STATUSES.get(listed_word(status)) == _DELIVERED or re.match(r"delivered\b", facts)
    if arrived and re.search(_TO_SENDER, facts):
        return Meaning(Status.RETURNED)
    return Meaning(Status.RETURNING) if re.search(_BACK, f"{status.casefold()}|{facts}") else None


def _facts(description: str) -> str:
    return TABLES["en"].told(plain(description)).casefold()
