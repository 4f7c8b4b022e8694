"""The shared fast lane against a real Redis that is stopped, frozen and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.contract import Rate
from gateway.lane import Lane, LaneClosed
from gateway.shared_limits import SharedLimits
from tests.e2e.process import eventually
from tests.servers import Redis

SECRET = b"a secret of the tests"
RATE = Rate(4, 1)


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@asynccontextmanager
async def lanes(redis: Redis, number: int = 2, secret: bytes = SECRET) -> AsyncIterator[list[Lane]]:
    found = [Lane(redis.url, secret) for _ in range(number)]
    for lane in found:
        await lane.__aenter__()
    try:
        await all_are(found, is_open=True)
        yield found
    finally:
        for lane in found:
            await lane.__aexit__(None, None, None)


async def all_are(found: list[Lane], *, is_open: bool) -> None:
    async def turned() -> bool:
        return all(lane.open is is_open for lane in found)

    await eventually(turned, f"a lane is not {'open' if is_open else 'closed'}")


async def until(heard: list[object], wanted: list[object]) -> None:
    async def all_there() -> bool:
        return all(one in heard for one in wanted)

    await eventually(all_there, f"{wanted} was not heard, but {heard}")


async def test_what_one_says_the_other_hears_and_not_itself(redis: Redis) -> None:
    async with lanes(redis) as (one, other), lanes(redis, 1, b"of another gateway") as (stranger,):
        mine: list[object] = []
        theirs: list[object] = []
        strange: list[object] = []
        one.on("drop", mine.append)
        other.on("drop", theirs.append)
        stranger.on("drop", strange.append)
        for number in ("A1", "B2", "A1"):
            one.tell("drop", number)
        one.tell("nobody listens to this", 1, 2)
        await until(theirs, ["A1", "B2"])
        other.tell("drop", "C3")
        await until(mine, ["C3"])
        assert mine == ["C3"]
        assert strange == []


async def test_words_of_another_version_harm_nothing(redis: Redis) -> None:
    async with lanes(redis) as (one, other):
        heard: list[object] = []
        other.on("drop", heard.append)
        for rubbish in ("", "[]", "{}", '{"by": 1, "n": 2, "words": []}', "\xff"):
            await one._redis.publish(one._name, rubbish)
        one.tell("drop", "A1")
        await until(heard, ["A1"])
        assert other.open


async def test_lost_it_costs_nothing_and_back_it_says_that_words_were_lost(redis: Redis) -> None:
    async with lanes(redis) as (one, other):
        turns: list[object] = []
        everything: list[object] = []
        other.on_turn(turns.append)
        other.on("all", lambda: everything.append("all"))
        redis.stop()
        await all_are([one, other], is_open=False)
        assert turns == [False]
        started = time.perf_counter()
        for _ in range(10_000):
            one.tell("drop", "A1")
            with pytest.raises(LaneClosed):
                await one.run("return 1", ["x"])
        assert time.perf_counter() - started < 2
        redis.start()
        await all_are([one, other], is_open=True)
        assert turns == [False, True]
        await until(everything, ["all"])
        assert await one.run("return 7", ["x"]) == 7


async def test_a_frozen_redis_is_a_lost_one(redis: Redis) -> None:
    async with lanes(redis) as found:
        os.kill(redis.process.pid, signal.SIGSTOP)
        try:
            started = time.perf_counter()
            with pytest.raises(LaneClosed):
                await found[0].run("return 1", ["x"])
            assert time.perf_counter() - started < 2
            await all_are(found, is_open=False)
        finally:
            os.kill(redis.process.pid, signal.SIGCONT)
        await all_are(found, is_open=True)


def test_an_address_that_is_none_is_named() -> None:
    for url in ("http://127.0.0.1", "redis://127.0.0.1:port"):
        with pytest.raises(ValueError, match="GATEWAY_REDIS_URL"):
            Lane(url, SECRET)


class Counting:
    """Tokens of several processes, and when each was taken."""

    def __init__(self, found: list[Lane]) -> None:
        self.limits = [SharedLimits(lane) for lane in found]
        for one in self.limits:
            one.processes = len(found)
        self.taken: list[float] = []
        self.stopping = False

    async def _take(self, limits: SharedLimits) -> None:
        while not self.stopping:
            if await limits.acquire("account", RATE, within=30):
                self.taken.append(time.monotonic())

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """Three ask in each process, as fast as they may."""
        tasks = [asyncio.create_task(self._take(limits)) for limits in self.limits for _ in range(3)]
        try:
            yield
        finally:
            self.stopping = True
            await asyncio.gather(*tasks)

    async def more(self, number: int) -> None:
        wanted = len(self.taken) + number

        async def taken() -> bool:
            return len(self.taken) >= wanted

        await eventually(taken, f"no token for a long time: {self.taken}")

    def most_in_a_window(self) -> int:
        """A token is handed out when a timer says so, which is a little late or early by the clock."""
        window = RATE.seconds * 0.9
        return max(sum(start <= at < start + window for at in self.taken) for start in self.taken)


async def test_processes_share_a_bucket_whether_redis_is_there_or_not(redis: Redis) -> None:
    async with lanes(redis, 2) as found:
        counting = Counting(found)
        async with counting.counted():
            await counting.more(6)
            redis.stop()
            await counting.more(6)
            redis.start()
            await all_are(found, is_open=True)
            await counting.more(6)
    assert counting.most_in_a_window() <= RATE.calls


async def test_a_pause_holds_for_all_and_outlives_redis(redis: Redis) -> None:
    async with lanes(redis, 2) as found:
        one, other = SharedLimits(found[0]), SharedLimits(found[1])
        await one.pause("account", 600)
        await one.pause("account", 5)
        assert 590 < await other.paused("account") <= 600
        assert not await other.acquire("account", RATE, within=30)
        redis.stop()
        await all_are(found, is_open=False)
        assert 590 < await one.paused("account") <= 600
        assert await other.paused("account") == 0
        await other.acquire("another", RATE, within=5)
        redis.start()
        await all_are(found, is_open=True)
        await one.acquire("another", RATE)
        assert 590 < await one.paused("account") <= 600


async def test_what_was_used_is_counted_together(redis: Redis) -> None:
    async with lanes(redis, 2) as found:
        one, other = SharedLimits(found[0]), SharedLimits(found[1])
        rate = Rate(3, 3600)
        assert [await limits.acquire("leg", rate) for limits in (one, other, one, other)] == [True, True, True, False]
        assert await one.used("leg", rate) == await other.used("leg", rate) == 3
        assert 3590 < await other.wait("leg", rate) <= 3600


def test_a_share_is_never_more_than_its_part() -> None:
    limits = SharedLimits(None)
    limits.processes = 3
    assert limits.share(Rate(7, 1)) == Rate(2, 1)
    assert limits.share(Rate(2, 1)) == Rate(1, 1.5)
    assert limits.share(Rate(1, 1800)) == Rate(1, 5400)
