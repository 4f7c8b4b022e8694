"""Where a shipment is (status), why (reason), and whose fault that is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """The status of a scan, a leg or a shipment. `INFO` is only ever the status of a scan."""

    PRE_TRANSIT = "pre_transit"  #: announced to the carrier, not handed over
    PICKED_UP = "picked_up"  #: the carrier has it
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"  #: waits in a locker, shop or counter
    ATTEMPT_FAILED = "attempt_failed"
    EXCEPTION = "exception"
    RETURNING = "returning"
    UNKNOWN = "unknown"  #: a code nobody has read yet
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  #: the source gave up, or we did
    INFO = "info"  #: a code we know that moves nothing: contact, never progress


class Reason(StrEnum):
    """The second axis: what kind of trouble."""

    ADDRESS_PROBLEM = "address_problem"
    RECIPIENT_ABSENT = "recipient_absent"
    REFUSED = "refused"
    UNCLAIMED = "unclaimed"
    DAMAGED = "damaged"
    LOST = "lost"
    CUSTOMS_HOLD = "customs_hold"
    WEATHER = "weather"
    SECURITY = "security"
    CARRIER_DELAY = "carrier_delay"
    PAYMENT_DUE = "payment_due"
    OTHER = "other"


class Fault(StrEnum):
    """Whose fault a reason is; it decides who is compensated."""

    CARRIER = "carrier"
    SHIPPER = "shipper"
    RECIPIENT = "recipient"
    CUSTOMS = "customs"
    NATURE = "nature"
    OTHER = "other"


FAULT: Mapping[Reason, Fault] = {
    Reason.ADDRESS_PROBLEM: Fault.RECIPIENT,
    Reason.RECIPIENT_ABSENT: Fault.RECIPIENT,
    Reason.REFUSED: Fault.RECIPIENT,
    Reason.UNCLAIMED: Fault.RECIPIENT,
    Reason.DAMAGED: Fault.CARRIER,
    Reason.LOST: Fault.CARRIER,
    Reason.CUSTOMS_HOLD: Fault.CUSTOMS,
    Reason.WEATHER: Fault.NATURE,
    Reason.SECURITY: Fault.OTHER,
    Reason.CARRIER_DELAY: Fault.CARRIER,
    Reason.PAYMENT_DUE: Fault.RECIPIENT,
    Reason.OTHER: Fault.OTHER,
}

#: Statuses that end a leg. Of these, paperwork never overrides a fact.
FINAL = frozenset({Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.EXPIRED})
PAPERWORK = frozenset({Status.CANCELLED, Status.EXPIRED})

#: How far along a status is: decides between two scans of the same instant.
_ORDER = (
    Status.INFO,
    Status.UNKNOWN,
    Status.EXPIRED,
    Status.CANCELLED,
    Status.PRE_TRANSIT,
    Status.PICKED_UP,
    Status.IN_TRANSIT,
    Status.CUSTOMS,
    Status.OUT_FOR_DELIVERY,
    Status.ATTEMPT_FAILED,
    Status.AVAILABLE_FOR_PICKUP,
    Status.EXCEPTION,
    Status.RETURNING,
    Status.DELIVERED,
    Status.RETURNED,
)
_RANK = {status: number for number, status in enumerate(_ORDER)}


def rank(status: Status) -> int:
    """How far along: larger is further. Total over `Status`."""
    return _RANK[status]
