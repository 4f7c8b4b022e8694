"""A machine's clock that jumps: what is taken back was never there, what lasts is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.steady import PROOF, SLACK, Steady

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Machine:
    """Its two clocks; `off` is by how much the time of day is wrong."""

    def __init__(self) -> None:
        self.passed = timedelta()
        self.off = timedelta()
        self.steps: list[timedelta] = []
        self.jumps = 0
        self.steady = Steady(lambda: NOON + self.passed + self.off, lambda: self.passed.total_seconds())
        self.steady.stepped.append(self.steps.append)
        self.steady.jumped.append(self._jumped)

    def _jumped(self) -> None:
        self.jumps += 1

    def after(self, **time: float) -> datetime:
        self.passed += timedelta(**time)
        return self.steady()


@pytest.mark.parametrize("off", [2 * DAY, -DAY])
def test_a_jump_that_is_taken_back_was_never_there(off: timedelta) -> None:
    machine = Machine()
    machine.off = off
    assert machine.after(seconds=1) == NOON + timedelta(seconds=1)
    assert machine.after(minutes=9) == NOON + timedelta(minutes=9, seconds=1)
    machine.off = timedelta()
    assert machine.after(minutes=9) == NOON + timedelta(minutes=18, seconds=1)
    assert machine.after(hours=9) == NOON + timedelta(hours=9, minutes=18, seconds=1)
    assert machine.steps == []
    assert machine.jumps == 2


@pytest.mark.parametrize("off", [2 * DAY, -DAY])
def test_a_jump_that_lasts_is_believed_and_told_once(off: timedelta) -> None:
    machine = Machine()
    machine.off = off
    machine.after(seconds=1)
    assert machine.after(seconds=PROOF.total_seconds()) == NOON + off + PROOF + timedelta(seconds=1)
    assert machine.after(minutes=1) == NOON + off + PROOF + timedelta(seconds=61)
    assert machine.steps == [off]


def test_another_jump_is_proved_anew() -> None:
    machine = Machine()
    machine.off = 2 * DAY
    machine.after(seconds=1)
    machine.off = -DAY
    assert machine.after(minutes=9) == NOON + timedelta(minutes=9, seconds=1)
    assert machine.after(minutes=9) == NOON + timedelta(minutes=18, seconds=1)
    assert machine.after(minutes=2) == NOON - DAY + timedelta(minutes=20, seconds=1)
    assert machine.steps == [-DAY]


def test_what_time_servers_correct_is_followed() -> None:
    machine = Machine()
    for _ in range(10):
        machine.off += SLACK
        assert machine.after(seconds=1) == NOON + machine.passed + machine.off
    assert (machine.steps, machine.jumps) == ([], 0)
