"""How often each account may be asked: a bucket of tokens per key, in this process."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.contract import Rate


class Limits(Protocol):
    """Where tokens are kept: in this process, or where several processes share them."""

    async def acquire(self, key: str, rate: Rate, *, within: float = 0) -> bool:
        """Wait for a token, at most `within` seconds. False, and nothing taken, when it would take longer."""

    async def wait(self, key: str, rate: Rate) -> float:
        """Seconds until a token is free; takes none."""

    async def pause(self, key: str, seconds: float) -> None:
        """No token before that: the other side said so. A longer pause stands."""

    async def paused(self, key: str) -> float:
        """Seconds that are left of a pause."""

    async def used(self, key: str, rate: Rate) -> int:
        """Tokens taken within the last `rate.seconds`, or promised already."""


class LocalLimits:
    """A bucket holds `rate.calls` tokens; each comes back `rate.seconds` after the moment it was taken for.

    So no window of `rate.seconds` ever sees more than `rate.calls`. Tokens are promised in the order of asking: whoever
    may wait gets the moment at which his token is free, and sleeps until then.
    """

    #: Buckets that are full again are forgotten when there are more than so many.
    MOST = 10_000

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._taken: dict[str, deque[float]] = {}
        self._full: dict[str, float] = {}
        self._paused: dict[str, float] = {}

    async def acquire(self, key: str, rate: Rate, *, within: float = 0) -> bool:
        wait = self.promise(key, rate, within=within)
        if wait:
            await self._sleep(wait)
        return wait is not None

    def promise(self, key: str, rate: Rate, *, within: float, after: float = 0) -> float | None:
        """Take a token that is free in so many seconds, not sooner than `after`. None, and nothing taken: too late."""
        now = self._clock()
        free = max(self._free(key, rate, now), now + after)
        if free - now > within:
            return None
        self._take(key, rate, free, now)
        return free - now

    async def wait(self, key: str, rate: Rate) -> float:
        now = self._clock()
        return self._free(key, rate, now) - now

    async def paused(self, key: str) -> float:
        return max(0.0, self._paused.get(key, 0) - self._clock())

    async def used(self, key: str, rate: Rate) -> int:
        since = self._clock() - rate.seconds
        return sum(at > since for at in self._taken.get(key, ()))

    def pauses(self) -> dict[str, float]:
        """Seconds that are left of every pause."""
        now = self._clock()
        return {key: until - now for key, until in self._paused.items() if until > now}

    async def pause(self, key: str, seconds: float) -> None:
        self._paused[key] = max(self._paused.get(key, 0), self._clock() + seconds)

    def _free(self, key: str, rate: Rate, now: float) -> float:
        """The moment at which a token is free, not before now."""
        taken = self._taken.get(key, ())
        oldest = taken[-rate.calls] + rate.seconds if len(taken) >= rate.calls else now
        return max(now, oldest, self._paused.get(key, now))

    def _take(self, key: str, rate: Rate, at: float, now: float) -> None:
        if len(self._taken) > self.MOST:
            self._forget(now)
        taken = self._taken.setdefault(key, deque())
        taken.append(at)
        while len(taken) > rate.calls:
            taken.popleft()
        self._full[key] = at + rate.seconds

    def _forget(self, now: float) -> None:
        for key in [key for key, full in self._full.items() if full <= now]:
            del self._taken[key], self._full[key]
        self._paused = {key: until for key, until in self._paused.items() if until > now}
