"""Whether a change of a shipment is news to its customer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from gateway.domain import Reason, Status
from gateway.rules.fold import ShipmentState
from gateway.rules.policy import MessagePolicy, News


def news(
    before: Status | None,
    after: ShipmentState,
    policy: MessagePolicy,
    now: datetime,
    told: Collection[Status] = (),
) -> News | None:
    """What to tell, if anything: a status that was not told before, reached no longer than `stale_after_hours` ago.

    Only the newest status of a history that came at once is looked at, so that a backfill never sends a burst.
    before: None for a shipment that was just registered. told: statuses this shipment's customer heard of already.
    """
    if after.status is before or after.status in told or after.since is None:
        return None
    entry = policy.news.get(after.status)
    if entry is None or now - after.since > timedelta(hours=_fresh_hours(entry, policy)):
        return None
    told_here = not entry.reasons or (after.reason or Reason.OTHER) in entry.reasons
    return entry if told_here else None


def _fresh_hours(entry: News, policy: MessagePolicy) -> float:
    return min(policy.stale_after_hours, entry.stale_after_hours or policy.stale_after_hours)
