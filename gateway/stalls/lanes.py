"""What a lane's own history says: learned from parcels that arrived, used to judge those that are under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from gateway.domain import FINAL, Basis, Status
from gateway.rules.calendar import Calendar
from gateway.rules.fold import ShipmentState
from gateway.rules.history import Held, standing
from gateway.runtime import Runtime
from gateway.store import lanes
from gateway.store.deadline import LONG
from gateway.store.engine import Tx
from gateway.store.lanes import Lane
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg

#: A shipment, where it is, and all its legs.
Judged = tuple[Snapshot, ShipmentState, Sequence[Leg]]
#: Older arrivals say nothing about today's lanes.
MEMORY = timedelta(days=90)
_NO_PROGRESS = frozenset({Status.INFO, Status.UNKNOWN, Status.CANCELLED, Status.EXPIRED})


def dwells(history: Iterable[Held], calendar: Calendar) -> dict[Status, float]:
    """The longest wait for progress in each status, in working hours. Pure. An unknown zone is not measured."""
    steps = [held.scan for held in standing(history) if held.scan.status not in _NO_PROGRESS]
    longest: dict[Status, float] = {}
    for before, after in pairwise(steps):
        if before.status in FINAL or Basis.UNKNOWN in (before.basis, after.basis):
            continue
        hours = calendar.working_hours(before.at, after.at)
        longest[before.status] = max(hours, longest.get(before.status, 0.0))
    return longest


async def remember(tx: Tx, judged: Iterable[Judged], calendar: Callable[[str], Calendar]) -> None:
    """Parcels that one carrier brought all the way are samples of their lanes. calendar: of a carrier."""
    samples = []
    for shipment, state, legs in judged:
        if state.status is Status.DELIVERED and not state.inferred and len(legs) == 1 and shipment.delivered_at:
            (leg,) = legs
            waits = {str(status): hours for status, hours in dwells(leg.history, calendar(leg.carrier)).items()}
            samples.append((shipment.id, lane_of(shipment, leg.carrier), waits, shipment.delivered_at))
    await lanes.add_many(tx, samples)


async def learned(tx: Tx, judged: Iterable[Judged]) -> dict[str, float]:
    """By shipment: working hours that nearly all parcels of its lane needed in its status. Absent while there are too
    few."""
    wanted = {
        shipment.id: (
            lane_of(shipment, next(leg.carrier for leg in legs if leg.ordinal == state.current)),
            state.status,
        )
        for shipment, state, legs in judged
    }
    hours = await lanes.hours_of(tx, set(wanted.values()))
    return {shipment_id: hours[lane] for shipment_id, lane in wanted.items() if lane in hours}


async def learn_lanes(rt: Runtime) -> int:
    """Learn anew, for the clock (an hour apart is often enough): how many lanes and statuses have enough history."""
    policy = rt.policies.stalls.learned
    async with rt.store.write(within=LONG) as tx:
        since = rt.clock() - MEMORY
        return await lanes.learn(tx, quantile=policy.quantile, min_samples=policy.min_samples, since=since)


def lane_of(shipment: Snapshot, carrier: str) -> Lane:
    return Lane(carrier=carrier, origin=shipment.origin, destination=shipment.destination, service=shipment.service)
