"""Scans become part of a leg's history; what follows from it is decided and written in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from gateway.domain import Source, Status
from gateway.rules.history import Held, merge
from gateway.runtime import Runtime
from gateway.store import legs as leg_rows
from gateway.store import mappings, polls
from gateway.store import shipments as shipment_rows
from gateway.store.engine import Tx
from gateway.store.history import extend
from gateway.tracking.change import Change
from gateway.tracking.journey import MOVED, Journey, Leg, leg_values, load, shipment_values, tell
from gateway.tracking.pace import next_due
from gateway.tracking.reading import Code, code_of, fresh, read, shown, unread

#: What was told about each leg: shipment id -> leg id -> scans.
Told = Mapping[str, Mapping[str, Sequence[Held]]]

_WRITTEN = ("id", "sequence", *MOVED)
_POLLED = frozenset({Source.POLL, Source.FALLBACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one leg's story has become. moved: whoever reads it sees something new."""

    journey: Journey
    leg: Leg
    values: Mapping[str, Any]
    moved: bool
    fresh: tuple[Held, ...] = ()
    source: Source = Source.HAND


async def learn(
    rt: Runtime, tx: Tx, told: Told, journeys: Mapping[str, Journey] | None = None, *, replay: bool = False
) -> list[Change]:
    """Take in what was told. The changes, in the order they were made. journeys: those shipments, just loaded."""
    changes: list[Change] = []
    for turn, part in enumerate(_one_leg_each(told)):
        if turn or journeys is None:
            every = [held for _, scans in part.values() for held in scans]
            journeys = await load(tx, part.keys(), unread(every))
        lessons = [_lesson(journeys[one], *part[one]) for one in sorted(part.keys() & journeys.keys())]
        changes += await _write(rt, tx, lessons, replay)
    await mappings.count(tx, _unknown(held for change in changes for held in change.fresh), rt.clock())
    return changes


async def reread(rt: Runtime, tx: Tx, shipment_id: str, leg_ids: Collection[str]) -> list[Change]:
    """Read legs again with what operators have said since. Nobody is told of it (`Change.replay`)."""
    changes: list[Change] = []
    for leg_id in sorted(leg_ids):
        for journey in (await load(tx, [shipment_id])).values():
            lesson = Lesson(journey=journey, leg=journey.leg(leg_id), values={}, moved=True)
            changes += await _write(rt, tx, [lesson], replay=True)
    return changes


def _one_leg_each(told: Told) -> Iterator[dict[str, tuple[str, Sequence[Held]]]]:
    """What was told, such that each part speaks of one leg of each shipment: each leg is a change of its own."""
    for turn in count():
        part = {one: sorted(legs.items())[turn] for one, legs in told.items() if turn < len(legs)}
        if not part:
            return
        yield part


def _lesson(journey: Journey, leg_id: str, told: Sequence[Held]) -> Lesson:
    leg = journey.leg(leg_id)
    merged = merge(leg.history, told)
    before, after = read(leg.history, journey.meanings), read(merged, journey.meanings)
    clocks, told_more = _clocks(leg, told), merged != leg.history
    text = extend(leg.text, leg.history, merged) if told_more else leg.text
    return Lesson(
        journey=journey,
        leg=journey.put(replace(leg, history=merged, text=text, **clocks)),
        values={**clocks, "history": text} if told_more else clocks,
        moved=shown(before) != shown(after),
        fresh=fresh(before, after),
        source=told[-1].source,
    )


async def _write(rt: Runtime, tx: Tx, lessons: Sequence[Lesson], replay: bool) -> list[Change]:
    """Legs, shipments and their next polls, each with one statement; then whoever follows is told."""
    moved = [lesson for lesson in lessons if lesson.moved]
    states = {one.leg.id: leg_values(one.journey, one.leg) for one in moved}
    await leg_rows.put_many(tx, [{"id": one.leg.id, **states.get(one.leg.id, {}), **one.values} for one in lessons])
    changes = [_change(rt, lesson, replay) for lesson in moved]
    await shipment_rows.put_many(tx, [_columns(change) for change in changes])
    await polls.schedule_many(tx, [_next(rt, lesson) for lesson in lessons])
    await tell(rt, tx, changes)
    return changes


def _change(rt: Runtime, lesson: Lesson, replay: bool) -> Change:
    journey = lesson.journey
    before, state = journey.shipment, journey.fold()
    values = shipment_values(journey, state, rt.clock())
    journey.shipment = replace(before, sequence=before.sequence + 1, **values)
    return Change(
        shipment_id=before.id,
        before=before,
        after=journey.shipment,
        state=state,
        legs=journey.legs,
        leg_id=lesson.leg.id,
        carrier=lesson.leg.carrier,
        fresh=lesson.fresh,
        source=lesson.source,
        replay=replay,
    )


def _columns(change: Change) -> dict[str, Any]:
    """The columns of a shipment that scans move."""
    return {name: getattr(change.after, name) for name in _WRITTEN}


def _next(rt: Runtime, lesson: Lesson) -> tuple[str, str, datetime | None]:
    journey, leg = lesson.journey, lesson.journey.leg(lesson.leg.id)
    return leg.id, leg.carrier, next_due(rt, journey.shipment, leg, journey.state(leg))


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
