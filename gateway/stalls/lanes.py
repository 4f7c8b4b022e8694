"""What a lane's own history says: learned from parcels that arrived, used to judge those that are under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


async def remember(tx: Tx, shipment: Snapshot, state: ShipmentState, legs: Sequence[Leg], calendar: Calendar) -> None:
    """A parcel that one carrier brought all the way is a sample of its lane."""
    if state.status is Status.DELIVERED and not state.inferred and len(legs) == 1 and shipment.delivered_at:
        lane = lane_of(shipment, legs[0].carrier)
        waits = {str(status): hours for status, hours in dwells(legs[0].history, calendar).items()}
        await lanes.add(tx, shipment.id, lane, waits, shipment.delivered_at)


async def learned(tx: Tx, shipment: Snapshot, carrier: str, status: Status) -> float | None:
    """Working hours that nearly all parcels of this lane needed in this status; None while there are too few."""
    return await lanes.hours_of(tx, lane_of(shipment, carrier), status)


class Learned:
    """`learned` for many parcels: each lane and status is asked for once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Lane, Status], float | None] = {}

    async def of(self, tx: Tx, lane: Lane, status: Status) -> float | None:
        if (lane, status) not in self._known:
            self._known[lane, status] = await lanes.hours_of(tx, lane, status)
        return self._known[lane, status]


async def learn_lanes(rt: Runtime) -> int:
    """Learn anew, for the clock (an hour apart is often enough): how many lanes and statuses have enough history."""
    policy = rt.policies.stalls.learned
    async with rt.store.write(within=LONG) as tx:
        since = rt.clock() - MEMORY
        return await lanes.learn(tx, quantile=policy.quantile, min_samples=policy.min_samples, since=since)


def lane_of(shipment: Snapshot, carrier: str) -> Lane:
    return Lane(carrier=carrier, origin=shipment.origin, destination=shipment.destination, service=shipment.service)
