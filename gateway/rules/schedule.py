"""When a carrier is asked about a leg next, and when we give up asking."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.domain import FINAL, Status
from gateway.rules.chance import spread
from gateway.rules.policy.pace import PollPace


def next_poll(
    status: Status,
    progress_at: datetime | None,
    promised_at: datetime | None,
    pushed: bool,
    failures: int,
    retry_after: float | None,
    min_interval: float,
    now: datetime,
    pace: PollPace,
    *,
    key: str = "",
    since: datetime | None = None,
) -> datetime | None:
    """The next question. None: no more, the leg is final and its late checks are over.

    pushed: the carrier pushes this leg; the question is a safety net. failures: polls failed in a row, 0 after an
    answer. retry_after, min_interval: seconds, never undercut. since: when a final status was reached (else
    `progress_at` counts). key: the leg, so that legs spread out; the same arguments give the same instant.
    """
    least = now + timedelta(seconds=max(min_interval, retry_after or 0))
    if failures > 0:
        return max(now + timedelta(minutes=_backoff(failures, pace) * spread(pace.jitter, key, failures)), least)
    if status in FINAL:
        return _late_check(since or progress_at, now, least, pace)
    hours = _hours(status, progress_at, promised_at, pushed, now, pace)
    return max(now + timedelta(hours=hours * spread(pace.jitter, key)), least)


def expired(status: Status, opened_at: datetime, contact_at: datetime | None, now: datetime, pace: PollPace) -> bool:
    """Whether we give up: nothing was ever said for `never_days`, or nothing more for `still_days`."""
    if status in FINAL:
        return False
    if contact_at is None:
        return now - opened_at >= timedelta(days=pace.never_days)
    return now - max(contact_at, opened_at) >= timedelta(days=pace.still_days)


def _backoff(failures: int, pace: PollPace) -> float:
    """Minutes; the exponent is bounded, a carrier may be away for months."""
    return min(pace.backoff_first_minutes * 2.0 ** min(failures - 1, 20), pace.backoff_most_hours * 60)


def _hours(
    status: Status,
    progress_at: datetime | None,
    promised_at: datetime | None,
    pushed: bool,
    now: datetime,
    pace: PollPace,
) -> float:
    hours = pace.hours.get(status, pace.default_hours)
    if promised_at is not None and promised_at - now <= timedelta(hours=pace.near_hours):
        hours *= pace.near
    if progress_at is not None and now - progress_at >= timedelta(days=pace.quiet_days):
        hours *= pace.quiet
    if pushed:
        hours *= pace.pushed
    return min(hours, pace.at_most_hours)


def _late_check(since: datetime | None, now: datetime, least: datetime, pace: PollPace) -> datetime | None:
    """Carriers correct themselves: a few questions more after the end."""
    if since is None:
        return None
    checks = sorted(since + timedelta(hours=hours) for hours in pace.after_final_hours)
    coming = next((at for at in checks if at > now), None)
    return None if coming is None else max(coming, least)
