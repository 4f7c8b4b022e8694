"""Whose fault a case is, as far as its kind and the shipment's reason tell. It decides who is compensated."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain import FAULT, Fault, Reason, Status
from gateway.rules.kinds import LATE, PRESUMED_LOST, exception_kind, stall_kind

_BY_KIND: Mapping[str, Fault] = {
    **{exception_kind(reason): fault for reason, fault in FAULT.items()},
    stall_kind(Status.PICKED_UP): Fault.CARRIER,
    stall_kind(Status.IN_TRANSIT): Fault.CARRIER,
    stall_kind(Status.OUT_FOR_DELIVERY): Fault.CARRIER,
    stall_kind(Status.CUSTOMS): Fault.CUSTOMS,
    stall_kind(Status.AVAILABLE_FOR_PICKUP): Fault.RECIPIENT,
    LATE: Fault.CARRIER,
    PRESUMED_LOST: Fault.CARRIER,
    "address_invalid": Fault.RECIPIENT,
    "phone_invalid": Fault.RECIPIENT,
    "payment_failed": Fault.RECIPIENT,
}


def fault_of(kind: str, reason: Reason | None) -> Fault | None:
    """The carrier's own reason outweighs the kind of a stall or of lateness; an exception has its reason in its kind.

    None: nobody knows (a parcel that was never handed over, an empty shelf, a complaint).
    """
    if reason is not None and not kind.startswith("exception_"):
        return FAULT[reason]
    return _BY_KIND.get(kind)
