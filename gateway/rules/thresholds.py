"""Which threshold holds for a lane: override, or table within what history says; peaks; the promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain import Status
from gateway.rules.calendar import Calendar
from gateway.rules.lane import covers
from gateway.rules.policy import Override, Stalls, Threshold


@dataclass(frozen=True, slots=True)
class Lane:
    """One status of one carrier between two places."""

    carrier: str
    origin: str
    destination: str
    service: str
    status: Status
    cross_border: bool


def threshold(
    lane: Lane,
    policy: Stalls,
    calendar: Calendar,
    base: datetime,
    learned: float | None,
    promised_at: datetime | None,
) -> tuple[Threshold | None, str]:
    """Working hours since `base`, and the rule: "table", "override" or "learned", then "+peak", "+promise" as they
    applied. None when this status has no threshold."""
    limit, rule = _written(lane, policy, learned)
    if limit is None:
        return None, ""
    stretch = _stretch(limit, policy, calendar, base)
    if stretch > 1:
        limit, rule = _scaled(limit, stretch), f"{rule}+peak"
    if promised_at is None or limit.warn is None or limit.stall is None:
        return limit, rule
    promise = max(limit.warn, calendar.working_hours(base, promised_at))
    if promise < limit.stall:
        limit, rule = Threshold(warn=limit.warn, stall=promise), f"{rule}+promise"
    return limit, rule


def _written(lane: Lane, policy: Stalls, learned: float | None) -> tuple[Threshold | None, str]:
    override = next((one for one in policy.overrides if _matches(one, lane)), None)
    if override is not None:
        return override.threshold, "override"
    pace = policy.thresholds.get(lane.status)
    if pace is None:
        return None, ""
    table = (pace.cross_border if lane.cross_border else None) or pace.domestic
    written = table.stall or table.warn
    if learned is None or written is None:
        return table, "table"
    bounds = policy.learned
    hours = min(max(learned, written * bounds.at_least), written * bounds.at_most)
    return _scaled(table, hours / written), "learned"


def _matches(override: Override, lane: Lane) -> bool:
    return (
        override.status is lane.status
        and override.carrier in ("*", lane.carrier)
        and override.service in ("*", lane.service)
        and covers(override.origin, lane.origin)
        and covers(override.destination, lane.destination)
    )


def _scaled(limit: Threshold, factor: float) -> Threshold:
    scale: Callable[[float | None], float | None] = lambda hours: None if hours is None else hours * factor  # noqa: E731
    return Threshold(warn=scale(limit.warn), stall=scale(limit.stall))


def _stretch(limit: Threshold, policy: Stalls, calendar: Calendar, base: datetime) -> float:
    """The largest stretch of a peak between `base` and the unstretched end: never of one that begins after it, so that
    what has stalled does not come unstuck when a sale begins."""
    if not policy.peaks:
        return 1
    first = calendar.day_of(base)
    last = calendar.day_of(calendar.add_working_hours(base, limit.stall or limit.warn or 0))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return max((peak.stretch for peak in policy.peaks if any(map(peak.includes, days))), default=1)
