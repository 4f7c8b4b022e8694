"""Tokens per account that several processes take from one bucket: in Redis, and by shares while it is lost."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from gateway.contract import Rate
from gateway.lane import Lane, LaneClosed
from gateway.limits import LocalLimits

#: Redis speaks of whole microseconds.
_SECOND = 1_000_000
_LONGEST = 10**15
#: Longer windows are not waited for at a turn, seconds.
_REST = 60.0
#: So long may a process not know that Redis is lost, or back, seconds.
_OVERLAP = 2.0

#: KEYS: tokens (when each of the last was taken for, newest first), pause (its end), since (when all began to count
#: together, which was not before the first of them). The clock is Redis's own, the same for all. GCRA would need one
#: number instead of a list, and lets twice the calls into a window that begins with a full bucket.
_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
"""
_TAKE = (
    _NOW
    + """
local calls, window, within = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local alone, rest, overlap = ARGV[4] == '1', tonumber(ARGV[5]), tonumber(ARGV[6])
local since = tonumber(redis.call('GET', KEYS[3]) or '')
if alone or not since then
  since = now
  redis.call('SET', KEYS[3], string.format('%.0f', since))
end
local free = now
if window <= rest then free = math.max(free, since + window + overlap) end
local oldest = redis.call('LINDEX', KEYS[1], calls - 1)
if oldest then free = math.max(free, tonumber(oldest) + window) end
free = math.max(free, tonumber(redis.call('GET', KEYS[2]) or '0'))
local wait = free - now
if within < 0 or wait > within then return {0, math.ceil(wait)} end
redis.call('LPUSH', KEYS[1], string.format('%.0f', free))
redis.call('LTRIM', KEYS[1], 0, calls - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil((wait + window) / 1000) + 1000)
return {1, math.ceil(wait)}
"""
)
_PAUSED = (
    _NOW
    + """
return {math.max(0, tonumber(redis.call('GET', KEYS[2]) or '0') - now)}
"""
)
_PAUSE = (
    _NOW
    + """
local until_ = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[2]) or '0'))
redis.call('SET', KEYS[2], string.format('%.0f', until_), 'PX', math.ceil((until_ - now) / 1000) + 1)
return {1}
"""
)
_USED = (
    _NOW
    + """
local used = 0
for _, at in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if tonumber(at) > now - tonumber(ARGV[1]) then used = used + 1 end
end
return {used}
"""
)


class SharedLimits:
    """The same bucket for every process, kept in Redis; while Redis is lost, this process's share of it.

    The account's limit holds at both turns too: what was promised before a turn does not count after it, and tokens
    are handed out in the new way only when those that were taken in the old one have come back.
    """

    def __init__(
        self,
        lane: Lane | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """lane None: no Redis, a share always."""
        #: How many processes share the accounts.
        self.processes = 1
        self._lane = lane
        self._clock = clock
        self._sleep = sleep
        self._local = LocalLimits(clock, sleep)
        self._since = -math.inf
        self._alone = False
        self._turns = 0
        if lane is not None:
            lane.on_turn(self._turned)

    async def acquire(self, key: str, rate: Rate, *, within: float = 0) -> bool:
        deadline = self._clock() + within
        while True:
            turn = self._turns
            wait = await self._promise(key, rate, max(0.0, deadline - self._clock()))
            if wait:
                await self._sleep(wait)
            if not wait or turn == self._turns:
                return wait is not None

    async def wait(self, key: str, rate: Rate) -> float:
        try:
            return (await self._shared(key, rate, -1))[1]
        except LaneClosed:
            return max(self._rest(rate), await self._local.wait(key, self.share(rate)))

    async def paused(self, key: str) -> float:
        """The longer one: a Redis that was started again has forgotten what this process was told."""
        own = await self._local.paused(key)
        try:
            return max(own, (await self._run(_PAUSED, key))[0] / _SECOND)
        except LaneClosed:
            return own

    async def pause(self, key: str, seconds: float) -> None:
        await self._local.pause(key, seconds)
        try:
            await self._run(_PAUSE, key, math.ceil(seconds * _SECOND))
        except LaneClosed:
            return

    async def used(self, key: str, rate: Rate) -> int:
        try:
            return int((await self._run(_USED, key, math.ceil(rate.seconds * _SECOND)))[0])
        except LaneClosed:
            return await self._local.used(key, rate)

    def share(self, rate: Rate) -> Rate:
        """What of an account's rate is this process's own."""
        if rate.calls >= self.processes:
            return Rate(rate.calls // self.processes, rate.seconds)
        return Rate(1, rate.seconds * self.processes / rate.calls)

    async def _promise(self, key: str, rate: Rate, within: float) -> float | None:
        """Seconds until the token that was taken is free; None: it would take longer."""
        if self._lane is None:
            return self._local.promise(key, self.share(rate), within=within)
        try:
            taken, wait = await self._shared(key, rate, within)
        except LaneClosed:
            self._alone = True
            return self._local.promise(key, self.share(rate), within=within, after=self._rest(rate))
        return wait if taken else None

    def _rest(self, rate: Rate) -> float:
        """Seconds until the tokens that were taken together have come back. A window that is longer than _REST is a
        distance between two questions about one parcel, which the store knows as well."""
        if rate.seconds > _REST:
            return 0.0
        return max(0.0, self._since + rate.seconds + _OVERLAP - self._clock())

    def _turned(self, is_open: bool) -> None:
        self._turns += 1
        if not is_open:
            self._since, self._alone = self._clock(), False

    async def _shared(self, key: str, rate: Rate, within: float) -> tuple[bool, float]:
        """Whether a token was taken of the common bucket, and seconds until one is free. Raise LaneClosed."""
        window = math.ceil(rate.seconds * _SECOND)
        most = min(math.floor(within * _SECOND), _LONGEST)
        alone, self._alone = self._alone, False
        try:
            taken, wait = await self._run(_TAKE, key, rate.calls, window, most, int(alone))
        except LaneClosed:
            self._alone = alone
            raise
        if alone:
            for paused, seconds in self._local.pauses().items():
                await self.pause(paused, seconds)
        return bool(taken), wait / _SECOND

    async def _run(self, script: str, key: str, *arguments: int) -> list[int]:
        if self._lane is None:
            raise LaneClosed
        names = (f"tokens:{key}", f"pause:{key}", "since")
        answer: list[int] = await self._lane.run(
            script, names, (*arguments, int(_REST * _SECOND), int(_OVERLAP * _SECOND))
        )
        return answer
