"""What became of a question about legs is written down, under the lease it was asked with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain import Basis, Scan, Source, Status
from gateway.rules.fold import LegState, fold_leg
from gateway.rules.schedule import expired
from gateway.runtime import Runtime
from gateway.store import health, legs, polls, shipments
from gateway.store.engine import Tx
from gateway.store.queues import LeaseLost
from gateway.tracking.accounts import Way
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg
from gateway.tracking.numbers import normal
from gateway.tracking.pace import next_due
from gateway.tracking.record import Heard, record

log = logging.getLogger(__name__)

#: The carrier code of the scan that says that we gave up.
GAVE_UP = "gateway.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A leg to ask about, and the lease we hold on it."""

    shipment: Snapshot
    leg: Leg
    fence: int
    failures: int

    @property
    def state(self) -> LegState:
        return fold_leg(self.leg.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Legs of one carrier, read one way."""

    carrier: str
    way: Way
    asked: Sequence[Asked]

    @property
    def provider(self) -> str:
        return self.way.provider.code

    def only(self, asked: Sequence[Asked]) -> Questions:
        return replace(self, asked=asked)


async def take_in(rt: Runtime, questions: Questions, scans: Sequence[Scan]) -> None:
    """Record an answer. A leg whose lease we lost meanwhile is somebody else's: nothing is written for it."""
    now = rt.clock()
    async with rt.store.write() as tx:
        await _hold(tx, questions.asked)
        mine = questions.only(await _still_ours(tx, questions.asked))
        heard = _heard(mine, scans, now)
        named = {one.scan.tracking_number for one in heard}
        silent = [one for one in mine.asked if one.leg.tracking_number not in named]
        given_up = [one for one in silent if _expired(rt, one, now)]
        for one in silent:
            await _end(tx, one, next_due(rt, one.shipment, one.leg, one.state))
        await polls.answered(tx, [one.leg.id for one in mine.asked])
        await legs.answered(tx, [one.leg.id for one in mine.asked], now)
        recorded = await record(rt, tx, [*heard, *(_farewell(one, now) for one in given_up)])
        since = await health.mended(tx, questions.provider)
        await health.heard(tx, {questions.provider: now})
    if since is not None:
        log.warning("%s answers again; polls had failed since %s", questions.provider, since.isoformat())
    for why in recorded.refused:
        log.warning("%s told something that cannot be: %s", questions.provider, why)


async def refused(rt: Runtime, questions: Questions) -> None:
    """The provider answered, and said no to these numbers: they wait, the account is well."""
    now = rt.clock()
    async with rt.store.write() as tx:
        await _hold(tx, questions.asked)
        await legs.answered(tx, [one.leg.id for one in questions.asked], now)
        await _back_off(rt, tx, questions, None)
        await health.heard(tx, {questions.provider: now})


async def failed(rt: Runtime, questions: Questions, retry_after: float | None) -> None:
    """These legs got no answer: each waits longer than the last time, and at least `retry_after` seconds."""
    async with rt.store.write() as tx:
        await _hold(tx, questions.asked)
        await _back_off(rt, tx, questions, retry_after)


async def give_back(rt: Runtime, asked: Sequence[Asked], due_at: datetime | None = None) -> None:
    """Legs that were not asked about are due again: then, or now."""
    async with rt.store.write() as tx:
        await _hold(tx, asked)
        for one in asked:
            await _end(tx, one, due_at or rt.clock(), failures=one.failures)


async def _hold(tx: Tx, asked: Sequence[Asked]) -> None:
    """Shipments before everything else, as `record` does: a push and a poll of the same legs never deadlock."""
    await shipments.locked(tx, [one.shipment.id for one in asked])


async def _still_ours(tx: Tx, asked: Sequence[Asked]) -> list[Asked]:
    fences = await polls.fences(tx, [one.leg.id for one in asked])
    return [one for one in asked if fences.get(one.leg.id) == one.fence]


async def _back_off(rt: Runtime, tx: Tx, questions: Questions, retry_after: float | None) -> None:
    for one in questions.asked:
        failures = one.failures + 1
        due = next_due(rt, one.shipment, one.leg, one.state, failures=failures, retry_after=retry_after)
        await _end(tx, one, due, failures=failures)


async def _end(tx: Tx, one: Asked, due_at: datetime | None, *, failures: int = 0) -> None:
    with suppress(LeaseLost):
        await polls.end(tx, one.leg.id, one.fence, due_at, failures=failures)


def _heard(questions: Questions, scans: Sequence[Scan], now: datetime) -> list[Heard]:
    """The scans of the legs that were asked about; a provider may answer more than that."""
    wanted = {one.leg.tracking_number for one in questions.asked}
    source = Source.POLL if questions.way.own else Source.FALLBACK
    numbered = [replace(scan, tracking_number=normal(scan.tracking_number)) for scan in scans]
    others = {scan.tracking_number for scan in numbered} - wanted
    if others:
        log.info("%s also spoke of %d numbers it was not asked about", questions.provider, len(others))
    return [
        Heard(provider=questions.provider, source=source, scan=scan, learned_at=now, carrier=questions.carrier)
        for scan in numbered
        if scan.tracking_number in wanted
    ]


def _expired(rt: Runtime, one: Asked, now: datetime) -> bool:
    state = one.state
    return expired(state.status, one.leg.opened_at, state.contact_at, now, rt.policies.pace)


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
