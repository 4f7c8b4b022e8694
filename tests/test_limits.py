"""Tokens: never more than the account allows in any window, in the order of asking, and none while it rests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Rate
from gateway.limits import LocalLimits


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def limits() -> tuple[LocalLimits, Time]:
    time = Time()
    return LocalLimits(clock=time, sleep=time.sleep), time


async def test_a_token_that_takes_too_long_is_not_taken() -> None:
    bucket, time = limits()
    rate = Rate(2, 10)
    assert [await bucket.acquire("a", rate) for _ in range(3)] == [True, True, False]
    assert await bucket.acquire("b", rate)
    assert await bucket.wait("a", rate) == 10
    assert not await bucket.acquire("a", rate, within=9)
    assert await bucket.acquire("a", rate, within=10)
    assert time.now == 1010


async def test_a_pause_stands_until_its_end_and_a_shorter_one_changes_nothing() -> None:
    bucket, time = limits()
    await bucket.pause("a", 60)
    await bucket.pause("a", 5)
    assert await bucket.paused("a") == 60
    assert not await bucket.acquire("a", Rate(5, 1), within=59)
    assert await bucket.acquire("a", Rate(5, 1), within=60)
    assert await bucket.paused("a") == 0
    assert time.now == 1060


@given(
    calls=st.integers(1, 5),
    seconds=st.sampled_from([0.5, 1, 60]),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=40),
)
async def test_no_window_sees_more_than_the_rate(calls: int, seconds: float, gaps: list[float]) -> None:
    bucket, time = limits()
    taken = []
    for gap in gaps:
        time.now += gap
        if await bucket.acquire("a", Rate(calls, seconds), within=20):
            taken.append(time.now)
    for first, beyond in zip(taken, taken[calls:], strict=False):
        assert beyond - first >= seconds - 1e-6


async def test_full_buckets_are_forgotten() -> None:
    bucket, time = limits()
    bucket.MOST = 10
    for number in range(50):
        await bucket.acquire(f"k{number}", Rate(1, 1))
        time.now += 2
    assert len(bucket._taken) <= 11
