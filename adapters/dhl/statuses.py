"""Both vocabularies of sheet (e): the five words of Unified with what texts make of two of them, and Express codes."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table
from gateway.domain import Reason, Status

STATUSES = {
    **table(
        ("pre-transit", Status.PRE_TRANSIT),
        ("transit", Status.IN_TRANSIT),  # by text
        ("delivered", Status.DELIVERED),  # by text: returned
        ("failure", Status.EXCEPTION, Reason.OTHER),  # by text
        ("unknown", Status.UNKNOWN),
    ),
    **table(
        ("SA", Status.PRE_TRANSIT),
        ("PU", Status.PICKED_UP),
        ("PL DF AF TR FD AR CR CI SM TP", Status.IN_TRANSIT),
        ("RR IC RW", Status.CUSTOMS),
        ("CD UD", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
        ("WC", Status.OUT_FOR_DELIVERY),
        ("OK", Status.DELIVERED),
        ("CC", Status.AVAILABLE_FOR_PICKUP),
        ("NH CA", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
        ("ND", Status.ATTEMPT_FAILED),
        ("BA", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
        ("RD", Status.EXCEPTION, Reason.REFUSED),
        ("DM", Status.EXCEPTION, Reason.DAMAGED),
        ("MS MC OH", Status.EXCEPTION, Reason.CARRIER_DELAY),
        ("DL SS", Status.EXCEPTION, Reason.OTHER),  # DL: a partial delivery
        ("HP", Status.EXCEPTION, Reason.PAYMENT_DUE),
        ("RT", Status.RETURNING),  # returned with an OK at the shipper, which the fold concludes
        door="express:",
    ),
}


class _Row(NamedTuple):
    """A row of the sheet's table of texts. unless: words with which the row does not hold."""

    pattern: str
    meaning: Meaning
    unless: str = "(?!)"


_SENDER = "(shipper|sender)"
_ROWS = (
    _Row(rf"return.*{_SENDER}|{_SENDER}.*return", Meaning(Status.RETURNING)),
    _Row(
        "shipment (has been )?cancell?ed",
        Meaning(Status.CANCELLED),
        r"(appointment|pick-?up|redirect\w*)\b.*shipment (has been )?cancel",
    ),
    _Row("refused", Meaning(Status.EXCEPTION, Reason.REFUSED)),
    _Row("damaged", Meaning(Status.EXCEPTION, Reason.DAMAGED)),
    _Row(
        "shipment is lost|has been lost|parcel is missing",
        Meaning(Status.EXCEPTION, Reason.LOST),
        r"missing (document|data)|\b(document(s|ation)?|data)\b.*(lost|missing)",
    ),
    _Row(
        r"clearance delay|held in customs|awaiting\b.*\bdocuments|customs clearance.*information required",
        Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ),
    _Row(
        r"\bduties\b|payment.*\b(due|required)|\b(due|required)\b.*payment",
        Meaning(Status.EXCEPTION, Reason.PAYMENT_DUE),
        r"(?<!not )(?<!be )\bpaid\b",
    ),
    _Row("cleared customs|clearance processing complete", Meaning(Status.IN_TRANSIT)),
    _Row(
        "customs.*clearance processing|clearance processing.*customs|customs status updated|in customs",
        Meaning(Status.CUSTOMS),
    ),
    _Row(
        "address.*(incorrect|incomplete|moved)|(incorrect|incomplete|moved).*address",
        Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ),
    _Row(
        "out with courier|with delivery courier|loaded onto the delivery vehicle|out for delivery|zustellfahrzeug",
        Meaning(Status.OUT_FOR_DELIVERY),
    ),
    _Row(
        "available for collection|ready for pick-up|awaiting collection|has arrived at.*(packstation|postfiliale)",
        Meaning(Status.AVAILABLE_FOR_PICKUP),
        "on its way to|will be brought to",
    ),
    _Row(
        "delivery attempt|not home|consignee premises closed|attempted",
        Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ),
    _Row(r"weather|\bnatural\b", Meaning(Status.EXCEPTION, Reason.WEATHER)),
    _Row("on hold|delay", Meaning(Status.EXCEPTION, Reason.CARRIER_DELAY)),
    _Row(
        r"\bpicked up\b|\bcollected\b",
        Meaning(Status.PICKED_UP),
        r"recipient|consignee|addressee|receiver|\b(will|can|to|could|cannot|not|ready to) be\b|\bnot\b",
    ),
)
#: The first scan of a parcel says with it that DHL has it.
ORIGIN = re.compile("processed in (the )?parcel center of origin", re.IGNORECASE)
_RETURNED = re.compile(rf"(returned|delivered) to\b.*\b{_SENDER}", re.IGNORECASE)


def refined(word: str, said: str, *, first: bool) -> Meaning | None:
    """What a text makes of a word of Unified; None where it stays what the table says.

    Only `transit` and `failure` are refined, never into a delivery; a delivery only into that to the sender.
    first: nothing moved the parcel before.
    """
    if word == "delivered":
        return Meaning(Status.RETURNED) if _RETURNED.search(said) else None
    if word not in {"transit", "failure"}:
        return None
    said = said.casefold()
    told = (row.meaning for row in _ROWS if re.search(row.pattern, said) and not re.search(row.unless, said))
    return next(told, Meaning(Status.PICKED_UP) if first and ORIGIN.search(said) else None)
