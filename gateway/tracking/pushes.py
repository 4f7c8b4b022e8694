"""Pushes are read: by their adapter into scans, and through the one door. What cannot be read waits for a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.contract import ContractError, Push, TryAgain
from gateway.domain import DeedKind, Source
from gateway.rules.policy import RemedyPlan
from gateway.runtime import Runtime
from gateway.store import health, legs, outbox, polls
from gateway.store import inbox as rows
from gateway.store.away import StoreAway
from gateway.store.engine import Tx
from gateway.store.inbox import QUARANTINED, READ, WAITING
from gateway.store.legs import Key
from gateway.store.outbox import Deed
from gateway.store.queues import LeaseLost
from gateway.store.rows import Row
from gateway.tracking.numbers import normal
from gateway.tracking.pace import reader
from gateway.tracking.record import Heard, problem, record

log = logging.getLogger(__name__)

#: Passes over a long inbox at once, by store: SQLite has one writer.
ABREAST = {"sqlite": 1, "postgresql": 3}
#: Tries of a push at which our own code fails, and the first wait between them.
TRIES = 5
WAIT = timedelta(minutes=1)
#: What operators read about a push that nobody can read (config/messages).
_TOLD_BY = "ops_incident"
#: A body larger than this is read in a thread: aggregators batch.
_LARGE = 64 * 1024


class UnknownPush(Exception):
    """There is no push of this id."""


class StillWaiting(Exception):
    """This push has not been read a first time: there is nothing to replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of a push. unreadable: why a person must look. broke: our own code failed, or the provider that the
    push makes us call, so it is tried again.

    hints: legs to ask about, by name, of which the push proves nothing itself (`CarrierAdapter.hints`).
    """

    row: Row
    heard: tuple[Heard, ...] = ()
    hints: tuple[Key, ...] = ()
    unreadable: str | None = None
    broke: str | None = None

    @property
    def well(self) -> bool:
        return self.unreadable is None and self.broke is None


async def read_inbox(rt: Runtime, limit: int = 100, *, more: int = 0, abreast: int = 1) -> int:
    """Read pushes that wait: how many. One that cannot be read harms no other.

    limit: at most so many in one transaction. more: so many further transactions; each but the last claims what the
    next one reads, which saves a commit. abreast: so many do this at once while more wait than `limit`; while one waits
    for the store another reads.
    """
    async with rt.store.write() as tx:
        claimed = await _claim(rt, tx, limit)
    others = abreast - 1 if len(claimed) == limit else 0
    passes = [_read_on(rt, claimed, limit, more), *(read_inbox(rt, limit, more=more) for _ in range(others))]
    read = await asyncio.gather(*passes, return_exceptions=True)  # none is left behind, whatever becomes of another
    for failed in read:
        if isinstance(failed, BaseException):
            raise failed
    return sum(number for number in read if isinstance(number, int))


async def _read_on(rt: Runtime, claimed: list[Row], limit: int, more: int) -> int:
    number = len(claimed)
    while claimed:
        readings = [await _read(rt, row) for row in claimed]
        claimed = await _together(rt, readings, limit if more > 0 else 0)
        number, more = number + len(claimed), more - 1
    return number


async def _claim(rt: Runtime, tx: Tx, limit: int) -> list[Row]:
    return await rows.claim(tx, rt.clock(), limit=limit, lease=rt.lease) if limit else []


async def _together(rt: Runtime, readings: Sequence[Reading], following: int) -> list[Row]:
    """Take them in with one transaction; where that fails, one by one. What was claimed to be read next."""
    try:
        return await _take_in(rt, readings, following)
    except StoreAway:
        raise  # not the pushes' fault: they are claimed again when the lease ends
    except Exception as error:
        log.warning("a batch of %d pushes failed (%r); each is taken in alone", len(readings), error)
        for reading in readings:
            await _alone(rt, reading)
        return []


async def replay(rt: Runtime, inbox_id: int) -> str | None:
    """Read a kept push again, after its adapter was mended: nobody is told, nothing is paid.

    Why it still cannot be read, None when it was. Raise UnknownPush, StillWaiting.
    """
    async with rt.store.read() as tx:
        row = await rows.get(tx, inbox_id)
    if row is None:
        raise UnknownPush(inbox_id)
    if row.state == WAITING:
        raise StillWaiting(inbox_id)
    reading = await _read(rt, row)
    why = reading.unreadable or reading.broke
    async with rt.store.write() as tx:
        await record(rt, tx, reading.heard, replay=True)
        await rows.settle(tx, inbox_id, QUARANTINED if why else READ, why)
    return why


async def _read(rt: Runtime, row: Row) -> Reading:
    carrier = rt.carriers.get(row.carrier)
    if carrier is None:
        return Reading(row=row, unreadable=f"carrier {row.carrier} is not configured")
    try:
        push = _push(row)
        large = len(push.body) > _LARGE
        scans = await asyncio.to_thread(carrier.adapter.receive, push) if large else carrier.adapter.receive(push)
        hinted = [
            (rt.carriers.named(carrier, company), normal(number)) for company, number in carrier.adapter.hints(push)
        ]
        await carrier.adapter.follow_up(push)
    except TryAgain as error:
        return Reading(row=row, broke=error.detail)
    except ContractError as error:
        return Reading(row=row, unreadable=error.detail)
    except Exception as error:
        log.exception("push %d of %s: the adapter failed", row.id, row.carrier)
        return Reading(row=row, broke=f"internal: {error!r}")
    heard = tuple(
        Heard(provider=row.carrier, source=Source.WEBHOOK, scan=scan, learned_at=row.received_at) for scan in scans
    )
    refused = [why for one in heard if (why := problem(one)) is not None]
    hints = tuple((code, number) for code, number in hinted if code is not None)
    return Reading(row=row, heard=heard, hints=hints, unreadable="; ".join(refused) or None)


async def _take_in(rt: Runtime, readings: Sequence[Reading], following: int = 0) -> list[Row]:
    """Everything of these pushes in one transaction, which claims up to `following` more: those."""
    async with rt.store.write() as tx:
        claimed = await _claim(rt, tx, following)
        await rows.end_read(tx, [reading.row for reading in readings if reading.well])
        for reading in readings:
            if not reading.well:
                await _end(rt, tx, reading)
        await record(rt, tx, [one for reading in readings for one in reading.heard])
        await _ask_about(rt, tx, {key for reading in readings for key in reading.hints})
    silent = {reading.row.carrier: reading.row.received_at for reading in readings if not reading.heard}
    if silent:
        async with rt.store.write() as tx:
            await health.heard(tx, silent, silent)
    return claimed


async def _ask_about(rt: Runtime, tx: Tx, keys: Collection[Key]) -> None:
    """Hinted legs are due now; whether they may be asked about, and are still watched, the poll looks at itself."""
    found = [row for row in (await legs.named(tx, keys)).values() if reader(rt, row.carrier) is not None]
    await polls.schedule_many(tx, [(row.id, row.carrier, rt.clock()) for row in found])
    if found:
        tx.after_commit(lambda: rt.signals.wake("polls"))


async def _end(rt: Runtime, tx: Tx, reading: Reading) -> None:
    row, why = reading.row, reading.unreadable
    if reading.broke is not None and row.attempts + 1 < TRIES:
        await rows.again(tx, row, rt.clock() + WAIT * 2**row.attempts, reading.broke)
        return
    why = why or reading.broke
    if why is not None:
        log.warning("push %d of %s is quarantined: %s", row.id, row.carrier, why)
        await _alarm(rt, tx, row, why)
    await rows.end(tx, row, QUARANTINED if why else READ, why)


async def _alarm(rt: Runtime, tx: Tx, row: Row, why: str) -> None:
    """The operators are told of the first push of a carrier and day that cannot be read: one word, not a thousand."""
    now = rt.clock()
    plan = RemedyPlan(do=DeedKind.MESSAGE, to="operators", template=_TOLD_BY)
    cause = f"push {row.id}: {why[:300]} (GET /v1/inbox?state={QUARANTINED}&carrier={row.carrier})"
    payload = {"plan": plan.model_dump(mode="json"), "carrier": row.carrier, "cause": cause}
    key = f"quarantined:{row.carrier}:{now.date().isoformat()}"
    await outbox.add(tx, Deed(kind=DeedKind.MESSAGE, key=key, payload=payload, due_at=now), now)
    tx.after_commit(lambda: rt.signals.wake("outbox"))


async def _alone(rt: Runtime, reading: Reading) -> None:
    try:
        await _take_in(rt, [reading])
    except StoreAway:
        raise
    except LeaseLost:
        log.info("push %d of %s is read by another worker", reading.row.id, reading.row.carrier)
    except Exception as error:
        log.exception("push %d of %s could not be taken in", reading.row.id, reading.row.carrier)
        broken = Reading(row=reading.row, broke=f"internal: {error!r}")
        async with rt.store.write() as tx:
            with suppress(LeaseLost):
                await _end(rt, tx, broken)


def _push(row: Row) -> Push:
    request: dict[str, Any] = row.request
    return Push(
        method=request["method"],
        path=request["path"],
        query=request["query"],
        headers=request["headers"],
        body=row.body,
        token="-" if request["token"] else None,
        received_at=row.received_at,
    )
