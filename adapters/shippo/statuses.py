"""The tables of sheet (e): `status`, and the sub-status beside it, which wins where it is listed."""

from __future__ import annotations

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import finer, table
from gateway.contract.phrases import read_text
from gateway.contract.reading import Fields, optional, required, text
from gateway.domain import Reason, Status

STATUSES = {
    **table(
        ("PRE_TRANSIT", Status.PRE_TRANSIT),
        ("TRANSIT", Status.IN_TRANSIT),  # with action_required: exception / other
        ("DELIVERED", Status.DELIVERED),
        ("RETURNED", Status.RETURNING),  # begun or finished: by text returned
        ("FAILURE", Status.EXCEPTION, Reason.OTHER),
    ),
    **table(
        ("information_received", Status.PRE_TRANSIT),
        ("package_accepted", Status.PICKED_UP),
        ("package_arrived package_departed package_processed package_processing", Status.IN_TRANSIT),
        ("package_forwarded in_transit delivery_scheduled delivery_rescheduled", Status.IN_TRANSIT),
        ("out_for_delivery", Status.OUT_FOR_DELIVERY),
        ("delivery_attempted location_inaccessible notice_left", Status.ATTEMPT_FAILED),
        ("pickup_available", Status.AVAILABLE_FOR_PICKUP),
        ("delivered", Status.DELIVERED),
        ("address_issue", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
        ("delivery_refused", Status.EXCEPTION, Reason.REFUSED),
        ("package_damaged", Status.EXCEPTION, Reason.DAMAGED),
        ("package_lost", Status.EXCEPTION, Reason.LOST),
        ("package_delayed delayed package_held", Status.EXCEPTION, Reason.CARRIER_DELAY),
        ("package_unclaimed", Status.EXCEPTION, Reason.UNCLAIMED),  # under RETURNED: returning
        ("reschedule_delivery contact_carrier", Status.EXCEPTION, Reason.OTHER),
        ("package_undeliverable package_disposed", Status.EXCEPTION, Reason.OTHER),
        ("return_to_sender", Status.RETURNING),
    ),
}
_SILENT = frozenset({"UNKNOWN"})
_MOVING = frozenset({Status.PRE_TRANSIT, Status.PICKED_UP, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})
_ENDS = frozenset({Status.RETURNING, Status.DELIVERED})


def word(item: Fields) -> str | None:
    """The one of status and sub-status that counts; None where nothing is known (yet). `other` refines nothing."""
    fine = text(optional(item, "substatus"), "code")
    return finer(STATUSES, required(item, "status"), "" if fine == "other" else fine, _SILENT)


def refined(code: str, item: Fields) -> Meaning | None:
    """What the fields around a code make of it, where the sheet says so; None where the table holds.

    An action is required by whatever else the code tells: only one that tells of mere movement becomes an exception.
    """
    meaning, status = STATUSES.get(code), text(item, "status")
    if meaning is None:
        return None
    if status == "TRANSIT" and meaning.status in _MOVING and needs_action(item):
        return Meaning(Status.EXCEPTION, Reason.OTHER)
    if status == "RETURNED" and code == "package_unclaimed":
        return Meaning(Status.RETURNING)
    return Meaning(Status.RETURNED) if meaning.status in _ENDS and names_sender(item) else None


def needs_action(item: Fields) -> bool:
    """Whether somebody has to do something."""
    return text(optional(item, "substatus"), "action_required") == "true"


def names_sender(item: Fields) -> bool:
    """Whether the text tells that the sender has it."""
    return read_text(text(item, "status_details"), ("en",)) == Meaning(Status.RETURNED)
