"""A shipment with all its legs, locked: what scans, remedies and people move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from gateway.contract import Meaning
from gateway.domain import FINAL
from gateway.rules.fold import LegFacts, LegState, ShipmentState, fold_merged, fold_shipment
from gateway.rules.history import Held
from gateway.runtime import Runtime
from gateway.store import legs as leg_rows
from gateway.store import mappings
from gateway.store import shipments as shipment_rows
from gateway.store.engine import Tx
from gateway.store.history import decode
from gateway.tracking.change import Change, Snapshot
from gateway.tracking.reading import Code, read, unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A row of `legs`, its history decoded. closed_why: cancelled, superseded (by us) or final (by the carrier).

    text: what the history was decoded from, as long as it is the same.
    """

    id: str
    shipment_id: str
    ordinal: int
    carrier: str
    tracking_number: str
    reference: str
    service: str
    opened_at: datetime
    closed_at: datetime | None
    closed_why: str | None
    polled_at: datetime | None
    heard_at: datetime | None
    subscribed_until: datetime | None
    extra: Mapping[str, str]
    history: list[Held] = field(repr=False)
    text: str = field(repr=False)

    @classmethod
    def of(cls, row: Any) -> Leg:
        """From a row of `legs`."""
        return cls(**{name: getattr(row, name) for name in _NAMES}, history=decode(row.history), text=row.history)

    @property
    def taken_away(self) -> bool:
        """We took the parcel away from this carrier."""
        return self.closed_why in {"cancelled", "superseded"}


_NAMES = tuple(name for name in Leg.__slots__ if name not in ("history", "text"))


class Journey:
    """A shipment as it stands while a transaction moves it. meanings: what operators said of its unknown codes."""

    def __init__(self, shipment: Snapshot, legs: Iterable[Leg], meanings: Mapping[Code, Meaning]) -> None:
        self.shipment = shipment
        self.meanings = meanings
        self._legs = {leg.id: leg for leg in legs}
        self._states: dict[str, LegState] = {}

    @property
    def legs(self) -> list[Leg]:
        """The first carrier first."""
        return list(self._legs.values())

    def leg(self, leg_id: str) -> Leg:
        return self._legs[leg_id]

    def put(self, leg: Leg) -> Leg:
        """A leg as it is from now on."""
        if self._legs[leg.id].history is not leg.history:
            self._states.pop(leg.id, None)
        self._legs[leg.id] = leg
        return leg

    def state(self, leg: Leg) -> LegState:
        """The fold over a leg's scans."""
        if leg.id not in self._states:
            self._states[leg.id] = fold_merged(read(leg.history, self.meanings))
        return self._states[leg.id]

    def fold(self) -> ShipmentState:
        return fold_shipment(
            [
                LegFacts(ordinal=leg.ordinal, carrier=leg.carrier, state=self.state(leg), closed_why=leg.closed_why)
                for leg in self._legs.values()
            ]
        )


async def load(tx: Tx, ids: Collection[str], told: Collection[Code] = ()) -> dict[str, Journey]:
    """Lock shipments and read them with their legs. told: further codes that will have to be read."""
    shipments = [Snapshot.of(row) for row in await shipment_rows.locked(tx, ids)]
    legs = [Leg.of(row) for row in await leg_rows.of_shipments(tx, ids)]
    codes = set(told).union(*(unread(leg.history) for leg in legs))
    meanings = await mappings.of(tx, codes)
    owned = defaultdict(list)
    for leg in legs:
        owned[leg.shipment_id].append(leg)
    return {one.id: Journey(one, owned[one.id], meanings) for one in shipments}


def leg_values(journey: Journey, leg: Leg) -> dict[str, Any]:
    """What became of a leg, as columns: its state and its end. The journey takes the end in too."""
    state = journey.state(leg)
    if not leg.taken_away:
        closed = (state.since or leg.opened_at) if state.status in FINAL else None
        why = "final" if closed else None
        if (closed, why) != (leg.closed_at, leg.closed_why):
            leg = journey.put(replace(leg, closed_at=closed, closed_why=why))
    return {
        "status": state.status,
        "reason": state.reason,
        "since": state.since,
        "closed_at": leg.closed_at,
        "closed_why": leg.closed_why,
    }


#: The columns of a shipment that its legs decide.
MOVED = (
    "carrier",
    "tracking_number",
    "status",
    "reason",
    "since",
    "progress_at",
    "contact_at",
    "delivered_at",
    "updated_at",
)


def shipment_values(journey: Journey, state: ShipmentState, now: datetime) -> dict[str, Any]:
    """What became of a shipment, as columns (`MOVED`)."""
    current = next(leg for leg in journey.legs if leg.ordinal == state.current)
    return {
        "carrier": current.carrier,
        "tracking_number": current.tracking_number,
        "status": state.status,
        "reason": state.reason,
        "since": state.since or current.opened_at,
        "progress_at": state.progress_at or current.opened_at,
        "contact_at": state.contact_at,
        "delivered_at": state.delivered_at,
        "updated_at": now,
    }


async def move(rt: Runtime, tx: Tx, journey: Journey, leg_id: str, *, created: bool = False, **values: Any) -> Change:
    """A hand moves a shipment: fold its legs, write it under the next sequence, and tell those who follow.

    created: it was just registered, so nothing was before. values: further columns.
    """
    before, state = journey.shipment, journey.fold()
    folded = {**shipment_values(journey, state, rt.clock()), **values}
    journey.shipment = Snapshot.of(await shipment_rows.put(tx, before.id, folded, moved=not created))
    change = Change(
        shipment_id=before.id,
        before=None if created else before,
        after=journey.shipment,
        state=state,
        legs=journey.legs,
        leg_id=leg_id,
        carrier=journey.leg(leg_id).carrier,
    )
    await tell(rt, tx, [change])
    return change


async def tell(rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
    """Those who follow hear of changes that are written, in their transaction; the others after the commit.

    At most one change of each shipment: who follows looks at all of them with one statement.
    """
    if not changes:
        return
    tx.after_commit(partial(_announce, rt, [(change.after, change.legs) for change in changes]))
    for follow in rt.follow:
        await follow(rt, tx, changes)


def announce(rt: Runtime, tx: Tx, shipment: Snapshot, legs: Sequence[Leg]) -> None:
    """After the commit: what was cached is old, whoever watches hears of it, and new work is looked at."""
    tx.after_commit(partial(_announce, rt, [(shipment, legs)]))


def _announce(rt: Runtime, moved: Iterable[tuple[Snapshot, Sequence[Leg]]]) -> None:
    for shipment, legs in moved:
        for leg in legs:
            rt.cache.drop(leg.tracking_number)
        rt.signals.changed(shipment.id, shipment.sequence)
    for queue in ("outbox", "watches"):
        rt.signals.wake(queue)
