"""Counting what is under way costs more the more there is; it may cost a hundredth of the time, not more."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from gateway.store import incidents
from gateway.store.engine import Tx
from gateway.store.incidents import Live

Count = Callable[[Tx], Awaitable[Mapping[str, Live]]]
_SHARE = 100


class Rarely:
    """Live legs by carrier, counted anew once a hundred times as long has passed as the last count took.

    A small shop's are counted at each look. With a million the answer may be half a minute old, which turns a circuit
    so much later.
    """

    def __init__(self, count: Count = incidents.live, clock: Callable[[], float] = time.perf_counter) -> None:
        self._count, self._clock = count, clock
        self._found: Mapping[str, Live] = {}
        self._next = float("-inf")

    async def __call__(self, tx: Tx) -> Mapping[str, Live]:
        began = self._clock()
        if began >= self._next:
            self._found = await self._count(tx)
            ended = self._clock()
            self._next = ended + _SHARE * (ended - began)
        return self._found
