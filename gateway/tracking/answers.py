"""What became of questions about legs is written down, under the leases they were asked with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway.domain import Basis, Scan, Source, Status
from gateway.rules.schedule import expired
from gateway.runtime import Runtime
from gateway.store import health, legs, polls
from gateway.store.away import StoreAway
from gateway.store.engine import Tx
from gateway.store.polls import End
from gateway.together import Together
from gateway.tracking.accounts import Asked, Questions
from gateway.tracking.journey import Journey, load
from gateway.tracking.pace import next_due
from gateway.tracking.reading import Code
from gateway.tracking.record import Heard, problem, record
from gateway.tracking.spoken import heard, unknown

log = logging.getLogger(__name__)

#: The carrier code of the scan that says that we gave up.
GAVE_UP = "gateway.expired"
#: Legs of one transaction: so many keep nobody waiting for long who wants to write, too.
_TOGETHER = 256
#: Seconds for which an answer waits for others that are under way.
_PATIENCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a question. answered: by the provider, with yes or no. failed: these legs wait longer than the last
    time, and at least `retry_after` seconds."""

    questions: Questions
    scans: Sequence[Scan] = ()
    answered: bool = True
    failed: bool = False
    retry_after: float | None = None


def told(questions: Questions, scans: Sequence[Scan]) -> Outcome:
    """The provider's answer."""
    return Outcome(questions=questions, scans=scans)


def refused(questions: Questions) -> Outcome:
    """The provider answered, and said no to these numbers: they wait, the account is well."""
    return Outcome(questions=questions, failed=True)


def unanswered(questions: Questions, retry_after: float | None) -> Outcome:
    """These legs got no answer."""
    return Outcome(questions=questions, answered=False, failed=True, retry_after=retry_after)


class Answers:
    """Where the outcomes of one pass are written: whatever waits, in one transaction. gate: questions under way."""

    def __init__(self, rt: Runtime, *, batch: int = 1, at_once: int = 1) -> None:
        """batch: legs of a question. at_once: questions under way."""
        self.rt = rt
        self.gate = asyncio.Semaphore(at_once)
        self.write: Together[Outcome, None] = Together(
            partial(write_down, rt), most=max(1, _TOGETHER // batch), everyones=(StoreAway,), patience=_PATIENCE
        )


async def write_down(rt: Runtime, outcomes: Sequence[Outcome]) -> list[None]:
    """Record answers. A leg whose lease we lost meanwhile is somebody else's: nothing is written for it."""
    now = rt.clock()
    async with rt.store.write() as tx:
        mine = await _still_ours(tx, outcomes)
        journeys = await _journeys(tx, mine)
        told = [one for outcome in mine for one in heard(rt, outcome.questions, outcome.scans, journeys, now)]
        spoken_of = {(one.carrier, one.scan.tracking_number) for one in told if problem(one) is None}
        silent = [
            (outcome, one)
            for outcome, one in _each(mine)
            if (one.leg.carrier, one.leg.tracking_number) not in spoken_of
        ]
        await polls.end_many(tx, [_end(rt, outcome, one, journeys[one.leg.shipment_id]) for outcome, one in silent])
        await polls.answered(tx, _mended(mine, {one.leg.id for _, one in silent}))
        await _nothing_said(tx, [one for outcome, one in silent if outcome.answered], journeys, now)
        lost = [one for outcome, one in silent if not outcome.failed and _expired(rt, one, journeys, now)]
        recorded = await record(rt, tx, [*told, *(_farewell(one, now) for one in lost)], journeys)
        mended = await _health(tx, mine, now)
    for provider, since in mended.items():
        log.warning("%s answers again; polls had failed since %s", provider, since.isoformat())
    for why in recorded.refused:
        log.warning("a poll told something that cannot be: %s", why)
    return [None] * len(outcomes)


async def _journeys(tx: Tx, outcomes: Sequence[Outcome]) -> dict[str, Journey]:
    codes = set[Code]().union(*(unknown(one.questions, one.scans) for one in outcomes))
    return await load(tx, {one.leg.shipment_id for _, one in _each(outcomes)}, codes)


async def give_back(rt: Runtime, asked: Sequence[Asked], due_at: datetime | None = None) -> None:
    """Legs that were not asked about are due again: then, or now."""
    due = due_at or rt.clock()
    await hand_back(rt, [End(leg_id=one.leg.id, fence=one.fence, due_at=due, failures=one.failures) for one in asked])


async def hand_back(rt: Runtime, ends: Sequence[End]) -> None:
    """Write the ends of polls that were none."""
    if ends:
        async with rt.store.write() as tx:
            await polls.end_many(tx, ends)


async def _still_ours(tx: Tx, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What we still hold, ours until the end of the transaction.

    Shipments are locked before everything else, as `record` does: a push and a poll of the same legs never deadlock.
    """
    every = [one for _, one in _each(outcomes)]
    held = await polls.hold(tx, {one.leg.id: one.leg.shipment_id for one in every})
    mine = {one.leg.id for one in every if held.get(one.leg.id) == one.fence}
    return [replace(one, questions=one.questions.only(_among(one.questions.asked, mine))) for one in outcomes]


def _among(asked: Sequence[Asked], mine: set[str]) -> list[Asked]:
    return [one for one in asked if one.leg.id in mine]


def _each(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, Asked]]:
    return ((outcome, one) for outcome in outcomes for one in outcome.questions.asked)


def _end(rt: Runtime, outcome: Outcome, one: Asked, journey: Journey) -> End:
    """When a leg of which nothing was said is asked about again."""
    leg = journey.leg(one.leg.id)
    failures = one.failures + 1 if outcome.failed else 0
    due = next_due(rt, journey.shipment, leg, journey.state(leg), failures=failures, retry_after=outcome.retry_after)
    return End(leg_id=one.leg.id, fence=one.fence, due_at=due, failures=failures)


def _mended(outcomes: Sequence[Outcome], silent: Collection[str]) -> list[str]:
    """Legs that were spoken of and whose polls had failed."""
    return [one.leg.id for _, one in _each(outcomes) if one.failures and one.leg.id not in silent]


async def _nothing_said(tx: Tx, asked: Sequence[Asked], journeys: Mapping[str, Journey], now: datetime) -> None:
    """The carrier answered, and does not know these legs (yet)."""
    await legs.answered(tx, [one.leg.id for one in asked], now)
    for one in asked:
        journey = journeys[one.leg.shipment_id]
        journey.put(replace(journey.leg(one.leg.id), polled_at=now))


def _expired(rt: Runtime, one: Asked, journeys: Mapping[str, Journey], now: datetime) -> bool:
    leg = journeys[one.leg.shipment_id].leg(one.leg.id)
    state = journeys[one.leg.shipment_id].state(leg)
    return expired(state.status, leg.opened_at, state.contact_at, now, rt.policies.pace)


def _farewell(one: Asked, now: datetime) -> Heard:
    """We gave up: paperwork, which any later physical scan undoes."""
    said = Scan(
        tracking_number=one.leg.tracking_number,
        at=now,
        basis=Basis.GIVEN,
        status=Status.EXPIRED,
        carrier_code=GAVE_UP,
    )
    return Heard(provider=one.leg.carrier, source=Source.HAND, scan=said, learned_at=now, carrier=one.leg.carrier)


async def _health(tx: Tx, outcomes: Sequence[Outcome], now: datetime) -> dict[str, datetime]:
    """Whoever answered was heard, and who answered well is well: since when polls of those had failed."""
    mended = {}
    for provider in sorted({one.questions.provider for one in outcomes if one.answered and not one.failed}):
        since = await health.mended(tx, provider)
        if since is not None:
            mended[provider] = since
    await health.heard(tx, {one.questions.provider: now for one in outcomes if one.answered})
    return mended
