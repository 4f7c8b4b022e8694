"""The clock: APScheduler ticks that wake the loops, and the loops that empty the queues.

Never a job per shipment (`design/probes.md`): a tick only says "look". What must happen once across processes takes a
slot in the `ticks` table first; queues need none, because claiming a row is exclusive anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from gateway.runtime import Runtime
from gateway.steady import Steady
from gateway.store.away import StoreAway
from gateway.store.slots import take_slot

log = logging.getLogger(__name__)

#: One pass over a queue: how many rows it handled. 0 means that nothing was due.
Pass = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Empties a queue whenever its signal is given. seconds: at least this often, for what falls due by time."""

    signal: str
    work: Pass
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Done once per slot of `seconds`, by whichever process is the first to look."""

    name: str
    work: Callable[[], Awaitable[object]]
    seconds: float


class Clock:
    """Runs loops and chores until it is stopped; a pass that is under way is finished first.

    told: hears the name of each chore that was this process's to do.
    """

    def __init__(
        self,
        rt: Runtime,
        loops: list[Loop],
        chores: list[Chore],
        *,
        told: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._rt = rt
        self._told = told
        self._loops = loops
        self._chores = chores
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        if isinstance(rt.clock, Steady):
            rt.clock.jumped.append(self._realign)

    def start(self) -> None:
        for loop in self._loops:
            self._scheduler.add_job(self._nudge, "interval", [loop.signal], seconds=loop.seconds, **_QUIET)
            self._tasks.append(asyncio.create_task(self._run(loop), name=f"loop:{loop.signal}"))
        for chore in self._chores:
            # Looked for more often than it is due: a process that lives shorter than a slot has its turn, too.
            every = min(chore.seconds, _LOOK_SECONDS)
            first = datetime.now(UTC) + timedelta(seconds=min(every, 1))
            self._scheduler.add_job(self._do, "interval", [chore], seconds=every, next_run_time=first, **_QUIET)
        self._scheduler.start()

    def _realign(self) -> None:
        """The machine's clock has jumped: APScheduler goes by it, and would wait for times that are far away now."""
        if self._scheduler.running:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))

    async def stop(self, seconds: float = 10) -> None:
        """Finish what is under way, at most so long; what is cut off is taken over when its lease ends."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for loop in self._loops:
            self._rt.signals.nudge(loop.signal)
        _, late = await asyncio.wait(self._tasks, timeout=seconds) if self._tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, loop: Loop) -> None:
        while not self._stopping:
            handled = await self._pass(loop.signal, loop.work)
            if not handled:
                await self._rt.signals.wait(loop.signal, loop.seconds * 2)

    async def _nudge(self, name: str) -> None:
        """A coroutine: APScheduler runs plain functions in threads, and events are not made for those."""
        self._rt.signals.nudge(name)

    async def _do(self, chore: Chore) -> None:
        slot = int(self._rt.clock().timestamp() // chore.seconds)

        async def once() -> int:
            async with self._rt.store.write() as tx:
                mine = await take_slot(tx, chore.name, slot, ahead=_ahead(chore))
            if mine:
                self._told(chore.name)
                await chore.work()
            return 0

        await self._pass(chore.name, once)

    async def _pass(self, name: str, work: Pass) -> int:
        try:
            return await work()
        except StoreAway:
            return 0  # the store says it once, and says when it is back
        except Exception:
            # A pass may fail (the store restarts, a bug): what it claimed comes back when its lease ends.
            log.exception("%s failed; trying again", name)
            return 0


def _ahead(chore: Chore) -> int:
    return 1 + int(_CLOCKS_DIFFER // chore.seconds)


_LOOK_SECONDS = 30.0
#: Seconds by which clocks of processes that share a store may differ.
_CLOCKS_DIFFER = 600.0
_QUIET: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": timedelta(minutes=5).seconds}
