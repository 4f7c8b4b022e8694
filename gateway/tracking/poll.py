"""The poll loop: due legs of each carrier are claimed and asked about, each carrier on its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from gateway.runtime import Runtime
from gateway.store import polls
from gateway.store.away import StoreAway
from gateway.store.polls import About, End
from gateway.store.rows import Row
from gateway.tracking.accounts import Asked, Questions, Way, way
from gateway.tracking.answers import Answers, hand_back
from gateway.tracking.asking import ask
from gateway.tracking.holding import holding
from gateway.tracking.pace import reader

log = logging.getLogger(__name__)

#: Questions under way at once: as many as the account may ask in a second, within these bounds.
AT_ONCE = (4, 32)
#: Questions of one claim: for each that may be under way so many; as many as the account may ask in so many seconds,
#: where that is more, up to so many legs: the last ones of a claim are waited for.
TURNS, LEGS = 4, 512


class CutOff(Exception):
    """The store went away meanwhile: these legs were claimed and came to no end."""

    def __init__(self, ends: Sequence[End]) -> None:
        super().__init__(f"{len(ends)} legs")
        self.ends = ends


class Polling:
    """A task per carrier with due legs, so that one that hangs holds up no other."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cut_off: list[End] = []

    @property
    def resting(self) -> bool:
        """Whether no carrier is being asked."""
        return not self._tasks

    async def idle(self) -> None:
        """Wait until no carrier is being asked."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def tick(self) -> int:
        """Start a task for every idle carrier with due legs. Always 0: a task that is done wakes "polls" itself."""
        await self._resume()
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

    async def _resume(self) -> None:
        """What was cut off is due again as soon as the store is back, long before its lease ends. Raise StoreAway."""
        if self._cut_off:
            ends, self._cut_off = self._cut_off, []
            try:
                await hand_back(self._rt, ends)
            except StoreAway:
                self._cut_off += ends
                raise

    async def _run(self, code: str) -> None:
        asked = 0
        try:
            asked = await poll_carrier(self._rt, code)
        except CutOff as cut:
            log.info("polling %s was cut off when the store went: %s, due again when it is back", code, cut)
            self._cut_off += cut.ends
        except StoreAway:
            log.info("polling %s ended with the store", code)
        except Exception:
            log.exception("polling %s failed; what was claimed comes back with its lease", code)
        finally:
            del self._tasks[code]
        if asked:
            self._rt.signals.wake("polls")


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
    most = now_way.provider.adapter.batch if now_way.probe else _most(now_way)
    async with rt.store.write() as tx:
        now = rt.clock()
        claimed = await polls.claim(tx, code, now, limit=most, lease=rt.lease)
    if claimed:
        async with holding(rt, [row.leg_id for row in claimed], now + rt.lease):
            await _ask(rt, code, now_way, claimed)
    return len(claimed)


async def _ask(rt: Runtime, code: str, now_way: Way, claimed: Sequence[Row]) -> None:
    """About each of them that is wanted and may be asked about. Raise CutOff when the store goes."""
    batch, at_once = now_way.provider.adapter.batch, _at_once(now_way)
    try:
        asked = await _ready(rt, now_way, await _wanted(rt, claimed))
    except StoreAway as error:
        raise CutOff([_undone(rt, row.leg_id, row) for row in claimed]) from error
    answers = Answers(rt, batch=batch, at_once=at_once)
    parts = [asked[start : start + batch] for start in range(0, len(asked), batch)]
    questions = [Questions(carrier=code, way=now_way, asked=part) for part in parts]
    ends = await asyncio.gather(*(ask(answers, one) for one in questions), return_exceptions=True)
    _complain(rt, parts, ends)


def _undone(rt: Runtime, leg_id: str, lease: Row | Asked) -> End:
    """Due again at once."""
    return End(leg_id=leg_id, fence=lease.fence, due_at=rt.clock(), failures=lease.failures)


def _complain(rt: Runtime, parts: Sequence[Sequence[Asked]], ends: Sequence[BaseException | None]) -> None:
    """Raise the first failure; CutOff with all legs of those that the store's absence made fail."""
    failed = [error for error in ends if error is not None]
    others = [error for error in failed if not isinstance(error, StoreAway)]
    if others:
        raise others[0]
    if failed:
        lost = [one for part, error in zip(parts, ends, strict=True) if error is not None for one in part]
        raise CutOff([_undone(rt, one.leg.id, one) for one in lost]) from failed[0]


def _at_once(by: Way) -> int:
    least, most = AT_ONCE
    return int(min(max(least, _a_second(by)), most))


def _most(by: Way) -> int:
    """Legs of one claim."""
    batch = by.provider.adapter.batch
    return max(batch * _at_once(by) * TURNS, min(LEGS, batch * int(_a_second(by) * TURNS)))


def _a_second(by: Way) -> float:
    """Questions that its account allows."""
    return by.rate.calls / by.rate.seconds


async def _wanted(rt: Runtime, claimed: Sequence[Row]) -> list[Asked]:
    """The claimed legs that somebody still wants to know about; the others leave the schedule."""
    leases = {row.leg_id: row for row in claimed}
    async with rt.store.read() as tx:
        wanted = [leg for leg in await polls.about(tx, leases.keys()) if leg.wanted]
    dropped = leases.keys() - {leg.id for leg in wanted}
    if dropped:
        async with rt.store.write() as tx:
            await polls.forget(tx, sorted(dropped))
    return [Asked(leg=leg, fence=leases[leg.id].fence, failures=leases[leg.id].failures) for leg in wanted]


async def _ready(rt: Runtime, now_way: Way, asked: Sequence[Asked]) -> list[Asked]:
    """Without the legs that this provider must not be asked about again so soon: they are due when it may."""
    ready, early, now = [], [], rt.clock()
    for one in asked:
        soonest = may_ask(one.leg, now_way)
        if soonest is not None and soonest > now:
            early.append(End(leg_id=one.leg.id, fence=one.fence, due_at=soonest, failures=one.failures))
        else:
            ready.append(one)
    await hand_back(rt, early)
    return ready


def may_ask(leg: About, by: Way) -> datetime | None:
    """From when on a provider may be asked about a leg again; None: it was never asked."""
    least = timedelta(seconds=by.provider.adapter.min_interval)
    return leg.polled_at + least if leg.polled_at is not None else None
