"""The poll loop: due legs of each carrier are claimed and asked about, each carrier on its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from gateway.runtime import Runtime
from gateway.store import legs, polls, shipments
from gateway.store.away import StoreAway
from gateway.store.rows import Row
from gateway.tracking.accounts import Way, way
from gateway.tracking.answers import Asked, Questions, give_back
from gateway.tracking.asking import ask
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg
from gateway.tracking.pace import reader

log = logging.getLogger(__name__)

#: Leases, longer than a claimed leg can take: its place among the questions, a token, an answer, and the fallback's.
_LEASES = 30
#: Questions of one claim, and how many of them are under way at once.
QUESTIONS = 16
AT_ONCE = 4


class Polling:
    """A task per carrier with due legs, so that one that hangs holds up no other."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def tick(self) -> int:
        """Start a task for every idle carrier with due legs. Always 0: a task that is done wakes "polls" itself."""
        for code in await _due(self._rt, busy=self._tasks.keys()):
            self._tasks[code] = asyncio.create_task(self._run(code), name=f"polls:{code}")
        return 0

    async def close(self, seconds: float = 10) -> None:
        """Let questions that are under way end, at most so long; what is cut off is taken over with its lease."""
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, code: str) -> None:
        asked = 0
        try:
            asked = await poll_carrier(self._rt, code)
        except StoreAway:
            log.info("polling %s ended with the store; what was claimed comes back with its lease", code)
        except Exception:
            log.exception("polling %s failed; what was claimed comes back with its lease", code)
        finally:
            del self._tasks[code]
        if asked:
            self._rt.signals.wake("polls")


async def poll_due(rt: Runtime) -> int:
    """Ask about every leg that is due now, and wait for all answers: how many were claimed."""
    return sum(await asyncio.gather(*(poll_carrier(rt, code) for code in await _due(rt))))


async def _due(rt: Runtime, busy: Collection[str] = ()) -> list[str]:
    """Carriers with a leg to ask about, and somebody to ask."""
    polled = [code for code in rt.carriers if code not in busy and reader(rt, code) is not None]
    async with rt.store.read() as tx:
        return await polls.due_carriers(tx, polled, rt.clock())


async def poll_carrier(rt: Runtime, code: str) -> int:
    """Claim due legs of a carrier and ask about them; how many were claimed. 0 while nobody may be asked."""
    now_way = await way(rt, code)
    if now_way is None:
        return 0
    batch = now_way.provider.adapter.batch
    most = batch if now_way.probe else batch * QUESTIONS
    async with rt.store.write() as tx:
        claimed = await polls.claim(tx, code, rt.clock(), limit=most, lease=_LEASES * rt.lease)
    if not claimed:
        return 0
    asked = await _ready(rt, now_way, await _wanted(rt, claimed))
    gate = asyncio.Semaphore(AT_ONCE)
    parts = [asked[start : start + batch] for start in range(0, len(asked), batch)]
    await asyncio.gather(*(_one(rt, gate, Questions(carrier=code, way=now_way, asked=part)) for part in parts))
    return len(claimed)


async def _one(rt: Runtime, gate: asyncio.Semaphore, questions: Questions) -> None:
    async with gate:
        await ask(rt, questions)


async def _wanted(rt: Runtime, claimed: Sequence[Row]) -> list[Asked]:
    """The claimed legs that somebody still wants to know about; the others leave the schedule."""
    async with rt.store.read() as tx:
        leg_rows = {row.id: row for row in await legs.of_ids(tx, [row.leg_id for row in claimed])}
        owners = {row.id: row for row in await shipments.of_ids(tx, {row.shipment_id for row in leg_rows.values()})}
    found = [_asked(row, leg_rows[row.leg_id], owners) for row in claimed if row.leg_id in leg_rows]
    wanted = [one for one in found if one.shipment.watching and not one.leg.taken_away]
    kept = {one.leg.id for one in wanted}
    dropped = [row.leg_id for row in claimed if row.leg_id not in kept]
    if dropped:
        async with rt.store.write() as tx:
            await polls.forget(tx, dropped)
    return wanted


def _asked(claimed: Row, leg_row: Row, owners: dict[str, Row]) -> Asked:
    leg = Leg.of(leg_row)
    shipment = Snapshot.of(owners[leg.shipment_id])
    return Asked(shipment=shipment, leg=leg, fence=claimed.fence, failures=claimed.failures)


async def _ready(rt: Runtime, now_way: Way, asked: Sequence[Asked]) -> list[Asked]:
    """Without the legs that this provider must not be asked about again so soon: they are due when it may."""
    ready = []
    for one in asked:
        soonest = may_ask(one.leg, now_way)
        if soonest is not None and soonest > rt.clock():
            await give_back(rt, [one], soonest)
        else:
            ready.append(one)
    return ready


def may_ask(leg: Leg, by: Way) -> datetime | None:
    """From when on a provider may be asked about a leg again; None: it was never asked."""
    least = timedelta(seconds=by.provider.adapter.min_interval)
    return leg.polled_at + least if leg.polled_at is not None else None
