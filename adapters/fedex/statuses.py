"""The sheet's table (e) of event codes, and what texts make of the codes whose row says so."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Status

STATUSES = table(
    ("OC IN AP EP DS DR", Status.PRE_TRANSIT),
    ("PU PX DO TP", Status.PICKED_UP),
    ("IT IX AR AF AA AC AX DP LO EO EA FD OF OX PF PL PM SF TR CH SP CC", Status.IN_TRANSIT),
    ("ED", Status.IN_TRANSIT),  # by text: out_for_delivery
    ("CP", Status.CUSTOMS),
    ("OD AD", Status.OUT_FOR_DELIVERY),
    ("HL HP", Status.AVAILABLE_FOR_PICKUP),
    ("DL", Status.DELIVERED),  # by text: returned when it names the shipper
    ("PD DY DD", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("CD", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("DE SE", Status.EXCEPTION, Reason.OTHER),  # by exception code and text: the reason
    ("RS RT", Status.RETURNING),
    ("CA", Status.CANCELLED),
    (
        "AE AO RC RM RR RD RG RP LP",
        Status.INFO,
    ),  # forecasts, delivery options, label bookkeeping: no scan of the parcel
)

#: The list of exception codes is unverified, so a text that says more goes first.
_PERSON = "(customer|recipient|consignee|addressee)"
_TROUBLES = {
    rf"{_PERSON} (was |is )?not (available|in\b|home)|business (is |was )?closed": Meaning(
        Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT
    ),
    r"incorrect address|address (is )?incorrect|address not found": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    r"refused": Meaning(Status.EXCEPTION, Reason.REFUSED),
    r"damage": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    r"\blost\b|unable to locate": Meaning(Status.EXCEPTION, Reason.LOST),
    r"weather|natural disaster": Meaning(Status.EXCEPTION, Reason.WEATHER),
    r"customs|clearance|regulatory": Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    r"security": Meaning(Status.EXCEPTION, Reason.SECURITY),
    r"payment|duties.{0,12}\bdue": Meaning(Status.EXCEPTION, Reason.PAYMENT_DUE),
    r"not picked up|hold expired": Meaning(Status.EXCEPTION, Reason.UNCLAIMED),
}
_EXCEPTION_CODES = {
    "08": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    "07": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "03": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
}
_SHIPPER = r"(delivered|returned) to (the )?(original )?(shipper|sender)"
_BY_TEXT: Mapping[str, Mapping[str, Meaning]] = {
    "DE": _TROUBLES,
    "SE": _TROUBLES,
    "ED": {"out for delivery|on fedex vehicle for delivery": Meaning(Status.OUT_FOR_DELIVERY)},
    "DL": {_SHIPPER: Meaning(Status.RETURNED)},
}


def refined(code: str, exception_code: str, said: str) -> Meaning | None:
    """What the text and the exception code make of an event; None where it stays what the table says."""
    by_text = told(_BY_TEXT.get(code, {}), said.casefold())
    if by_text is None and code in {"DE", "SE"}:
        return _EXCEPTION_CODES.get(exception_code.zfill(2))
    return by_text
