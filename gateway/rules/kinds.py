"""The kinds of case there are: every playbook's key is one of these (or `default`)."""

from __future__ import annotations

from gateway.domain import FINAL, Reason, Status

LATE, PRESUMED_LOST, CARRIER_INCIDENT = "late", "presumed_lost", "carrier_incident"

#: What other systems see go wrong (`POST /v1/exceptions`).
ORDER_KINDS = (
    "out_of_stock",
    "low_stock",
    "payment_failed",
    "address_invalid",
    "phone_invalid",
    "complaint",
    "other",
)

_LIVE = tuple(status for status in Status if status not in FINAL and status is not Status.INFO)


def stall_kind(status: Status) -> str:
    return f"stall_{status}"


def exception_kind(reason: Reason | None) -> str:
    """An exception without a reason is one for another reason."""
    return f"exception_{reason or Reason.OTHER}"


def case_kinds() -> tuple[str, ...]:
    """All of them: a stall of each live status, promises, exceptions by reason, the order system's, incidents."""
    stalls = tuple(stall_kind(status) for status in _LIVE)
    exceptions = tuple(exception_kind(reason) for reason in Reason)
    return *stalls, LATE, PRESUMED_LOST, *exceptions, *ORDER_KINDS, CARRIER_INCIDENT
