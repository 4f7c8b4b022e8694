"""Scans become part of a leg's history; what follows from it is decided and written in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain import Source, Status
from gateway.rules.history import Held, merge
from gateway.runtime import Runtime
from gateway.store import legs as leg_rows
from gateway.store import mappings, polls
from gateway.store.engine import Tx
from gateway.store.history import encode
from gateway.tracking.change import Change
from gateway.tracking.journey import Journey, Leg, load, move, write_leg
from gateway.tracking.pace import next_due
from gateway.tracking.reading import Code, code_of, fresh, read, shown

#: What was told about each leg: shipment id -> leg id -> scans.
Told = Mapping[str, Mapping[str, Sequence[Held]]]

_POLLED = frozenset({Source.POLL, Source.FALLBACK})


async def learn(rt: Runtime, tx: Tx, told: Told, *, replay: bool = False) -> list[Change]:
    """Take in what was told. The changes, in the order they were made.

    Shipments and then legs go in the order of their ids: two workers with the same shipments never deadlock.
    """
    every = [held for legs in told.values() for scans in legs.values() for held in scans]
    journeys = await load(tx, told.keys(), every)
    changes: list[Change] = []
    news: list[Held] = []
    for shipment_id in sorted(journeys):
        journey = journeys[shipment_id]
        for leg in [leg for leg in journey.legs if leg.id in told[shipment_id]]:
            change = await _take(rt, tx, journey, leg, told[shipment_id][leg.id], replay)
            if change is not None:
                changes.append(change)
                news.extend(change.fresh)
    await mappings.count(tx, _unknown(news), rt.clock())
    return changes


async def reread(rt: Runtime, tx: Tx, shipment_id: str, leg_ids: Collection[str]) -> list[Change]:
    """Read legs again with what operators have said since. Nobody is told of it (`Change.replay`)."""
    journey = (await load(tx, [shipment_id])).get(shipment_id)
    legs = [leg for leg in journey.legs if leg.id in leg_ids] if journey else []
    return [await _settle(rt, tx, journey, leg, {}, replay=True) for leg in legs] if journey else []


async def _take(rt: Runtime, tx: Tx, journey: Journey, leg: Leg, told: Sequence[Held], replay: bool) -> Change | None:
    before = read(leg.history, journey.meanings)
    merged = merge(leg.history, told)
    values = _clocks(leg, told) | ({"history": encode(merged)} if merged != leg.history else {})
    leg = journey.put(replace(leg, history=merged))
    after = read(merged, journey.meanings)
    if shown(before) != shown(after):
        news = fresh(before, after)
        return await _settle(rt, tx, journey, leg, values, fresh=news, source=told[-1].source, replay=replay)
    await leg_rows.put(tx, leg.id, values)
    await polls.schedule(tx, leg.id, leg.carrier, next_due(rt, journey.shipment, leg, journey.state(leg)))
    return None


async def _settle(
    rt: Runtime,
    tx: Tx,
    journey: Journey,
    leg: Leg,
    values: Mapping[str, Any],
    *,
    fresh: tuple[Held, ...] = (),
    source: Source = Source.HAND,
    replay: bool,
) -> Change:
    """Write what became of a leg and its shipment, and when to ask about it next."""
    leg = await write_leg(tx, journey, leg, values)
    change = await move(rt, tx, journey, leg.id, fresh=fresh, source=source, replay=replay)
    await polls.schedule(tx, leg.id, leg.carrier, next_due(rt, change.after, leg, journey.state(leg)))
    return change


def _clocks(leg: Leg, told: Sequence[Held]) -> dict[str, Any]:
    """When a leg was last named, and when an answer last spoke of it."""
    at = max(held.learned_at for held in told)
    clocks = {"heard_at": max(at, leg.heard_at or at)}
    if any(held.source in _POLLED for held in told):
        clocks["polled_at"] = max(at, leg.polled_at or at)
    return clocks


def _unknown(news: Iterable[Held]) -> dict[Code, list[str]]:
    seen: dict[Code, list[str]] = defaultdict(list)
    for held in news:
        if held.scan.status is Status.UNKNOWN:
            seen[code_of(held)].append(held.scan.text)
    return seen
