"""Cases, remedies and the states they pass through."""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    OPEN = "open"
    ACTING = "acting"  #: a remedy is being carried out
    WAITING = "waiting"  #: for a person, the customer or stock
    RESOLVED = "resolved"
    CLEARED = "cleared"  #: went away by itself: the parcel moved


class DeedKind(StrEnum):
    """What was decided about a case (a remedy) or a shipment, carried out by the outbox."""

    FAILOVER = "failover"
    COUPON = "coupon"
    POINTS = "points"
    REFUND_REQUEST = "refund_request"
    MESSAGE = "message"
    ASSIGN = "assign"
    ASK = "ask"


class DeedState(StrEnum):
    PENDING = "pending"
    DOING = "doing"
    DONE = "done"
    REFUSED = "refused"  #: somebody said no; a person is told
    DEAD = "dead"  #: tried until the end; visible, can be tried again
    DROPPED = "dropped"  #: no longer wanted
