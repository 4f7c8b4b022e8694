"""Who reads a carrier's numbers, and when a leg is asked about next."""

from __future__ import annotations

from datetime import datetime

from gateway.contract import Can
from gateway.domain import Source
from gateway.plugins import Carrier
from gateway.rules.fold import LegState
from gateway.rules.schedule import next_poll
from gateway.runtime import Runtime
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg


def reader(rt: Runtime, carrier: str) -> Carrier | None:
    """Who is polled for a carrier's numbers: itself, else its fallback where it has no such interface; None: nobody."""
    row = rt.carriers.get(carrier)
    if row is not None and Can.POLL in row.can:
        return row
    return fallback(rt, carrier)


def fallback(rt: Runtime, carrier: str) -> Carrier | None:
    """Who else can be polled for them."""
    other = rt.carriers.fallback(carrier) if carrier in rt.carriers else None
    return other if other is not None and Can.POLL in other.can else None


def next_due(
    rt: Runtime,
    shipment: Snapshot,
    leg: Leg,
    state: LegState,
    *,
    failures: int = 0,
    retry_after: float | None = None,
) -> datetime | None:
    """When to ask about a leg next; None: not any more, or there is nobody to ask."""
    carrier = reader(rt, leg.carrier)
    if carrier is None or not shipment.watching or leg.taken_away:
        return None
    now = rt.clock()
    return next_poll(
        state.status,
        state.progress_at,
        shipment.promised_at,
        _pushed(leg, now),
        failures,
        retry_after,
        carrier.adapter.min_interval,
        now,
        rt.policies.pace,
        key=leg.id,
        since=state.since,
    )


def _pushed(leg: Leg, now: datetime) -> bool:
    """Whether pushes can be relied on: what we learned last came by one; before that, whether they were asked for."""
    if leg.history:
        return max(leg.history, key=lambda held: held.learned_at).source is Source.WEBHOOK
    return leg.subscribed_until is not None and leg.subscribed_until > now
