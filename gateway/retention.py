"""What was kept long enough is forgotten: a chore of the clock that never holds the writer for long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from gateway.runtime import Runtime
from gateway.store.retention import RULES, Gone, Place, Rule

log = logging.getLogger(__name__)

#: Rows of a transaction: the first time, at least and at most.
_FIRST, _FEWEST, _MOST = 50, 20, 500
#: Seconds a transaction should take: fewer rows are taken after a slower one, more after one much quicker.
_HOLD, _QUICK = 0.04, 0.015
#: After a transaction so many times its own time belongs to the others, and at least so many seconds.
_REST, _LEAST_REST = 4, 0.02
#: Seconds that one rule may go on in a pass; the next pass goes on from there.
_TURN = 4.0


class Retention:
    """Deletes by the rules of gateway.store.retention. rest: awaited with the seconds that are left to others."""

    def __init__(self, rt: Runtime, *, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._rt = rt
        self._rest = rest
        self._places: dict[Rule, Place] = {}
        self._sizes: dict[Rule, int] = {}

    async def tick(self, rules: Sequence[Rule] = RULES) -> Counter[str]:
        """One pass over all rules: how many rows of each were forgotten."""
        gone: Counter[str] = Counter()
        for rule in rules:
            gone[rule.name] += await self._turn(rule)
        if gone.total():
            log.info("forgotten: %s", ", ".join(f"{rows} {name}" for name, rows in gone.items() if rows))
        return +gone

    async def _turn(self, rule: Rule) -> int:
        policy = self._rt.policies.retention
        days = getattr(policy, rule.days) if rule.days else 0
        if days is None:
            return 0
        before = self._rt.clock() - timedelta(days=days)
        gone, until = 0, time.monotonic() + _TURN
        while time.monotonic() < until:
            size = self._sizes.setdefault(rule, _FIRST)
            async with self._rt.store.read() as tx:
                found = await rule.find(tx, before, self._places.get(rule), size)
            if not found:
                self._places.pop(rule, None)  # the next pass begins with the oldest again
                break
            self._places[rule] = (found[-1].at, found[-1].id)
            began = time.perf_counter()
            async with self._rt.store.write() as tx:
                began = time.perf_counter()  # the writer is ours from here on
                one = await rule.forget(tx, [row.id for row in found], before)
                self._drop(tx.after_commit, one)
            took = time.perf_counter() - began
            gone += one.rows
            self._sizes[rule] = next_size(size, took)
            await self._rest(max(took * _REST, _LEAST_REST))
        return gone

    def _drop(self, after_commit: Callable[[Callable[[], None]], None], gone: Gone) -> None:
        """What was rendered of a parcel goes with it."""
        for number in gone.numbers:
            after_commit(partial(self._rt.cache.drop, number))


def next_size(size: int, took: float) -> int:
    """How many rows the next transaction takes, after one of `size` that took so many seconds."""
    if took > _HOLD:
        return max(_FEWEST, size // 2)
    return min(_MOST, size * 2) if took < _QUICK else size
