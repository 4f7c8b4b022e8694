"""When an event happened, and what a status without events is dated by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from adapters.shipengine.statuses import STATUSES, word
from gateway.contract.reading import Fields, given_time, iso_time, text, unreadable
from gateway.domain import Basis, Status

_QUARTER, _FARTHEST = timedelta(minutes=15), timedelta(hours=14)


def bare(tracking: Fields, came_in: datetime | None) -> list[dict[str, Any]]:
    """A status without events as one event: a delivery at its date, else what a push tells when it comes in."""
    code = word(tracking)
    arrived = code in STATUSES and STATUSES[code].status is Status.DELIVERED
    at = (text(tracking, "actual_delivery_date") if arrived else "") or (came_in.isoformat() if came_in else "")
    return [{**tracking, "occurred_at": at, "description": text(tracking, "status_description")}] if at else []


def when(event: Fields) -> tuple[datetime, Basis]:
    """UTC, shown at the offset that the local time beside it has; local time alone is of no known place."""
    local = text(event, "carrier_occurred_at")
    if not text(event, "occurred_at"):
        return given_time(event, "carrier_occurred_at")
    at, basis = given_time(event, "occurred_at")
    if not local or basis is not Basis.GIVEN:
        return at, basis
    with unreadable("carrier_occurred_at", local):
        ahead = iso_time(local, "carrier_occurred_at").replace(tzinfo=UTC) - at
        plausible = abs(ahead) <= _FARTHEST and not ahead % _QUARTER
        return (at.astimezone(timezone(ahead)) if plausible else at), basis
