"""A count that takes long is made seldom."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.stalls.counting import Rarely


class Counted:
    """Takes so many seconds of a clock that a test moves."""

    def __init__(self, seconds: float) -> None:
        self.now, self.times, self._seconds = 0.0, 0, seconds

    def clock(self) -> float:
        return self.now

    async def __call__(self, tx: Any) -> dict[str, Any]:
        self.times += 1
        self.now += self._seconds
        return {"sf": self.times}


@pytest.mark.parametrize(
    ("seconds", "passed", "times"), [(0.3, 29.9, 1), (0.3, 30.1, 2), (0.001, 0.2, 2), (0.0, 0.0, 2)]
)
async def test_a_hundredth_of_the_time(seconds: float, passed: float, times: int) -> None:
    counted = Counted(seconds)
    rarely = Rarely(counted, counted.clock)
    await rarely(None)  # type: ignore[arg-type]
    counted.now += passed
    assert await rarely(None) == {"sf": times}  # type: ignore[arg-type]
