"""A clock that ran ahead and was set back: nothing waits for the wrong time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.clock_set_back import ClockSetBack
from gateway.domain import DeedKind
from gateway.steady import Steady
from gateway.store import health, outbox
from gateway.store.engine import Store
from gateway.store.outbox import Deed
from gateway.store.set_back import set_back
from gateway.store.slots import take_slot
from tests.tracking.parts import runtime

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AHEAD = timedelta(days=2)


async def test_what_was_scheduled_ahead_is_due_when_it_would_have_been(store: Store) -> None:
    soon = Deed(kind=DeedKind.ASSIGN, key="soon", payload={}, due_at=NOW + AHEAD)
    later = Deed(kind=DeedKind.ASSIGN, key="later", payload={}, due_at=NOW + AHEAD + timedelta(hours=1))
    async with store.write() as tx:
        await outbox.add(tx, soon, NOW + AHEAD)
        await outbox.add(tx, later, NOW + AHEAD)
    async with store.write() as tx:
        assert await outbox.claim(tx, NOW, limit=9, lease=timedelta(seconds=9)) == []
        assert await set_back(tx, NOW, AHEAD, NOW) == 2
    async with store.write() as tx:
        assert [row.key for row in await outbox.claim(tx, NOW, limit=9, lease=timedelta(seconds=9))] == ["soon"]


async def test_what_was_heard_in_the_future_is_heard_now(store: Store) -> None:
    async with store.write() as tx:
        await health.heard(tx, {"sf": NOW + AHEAD})
        await health.failed(tx, "sf", NOW + AHEAD, "no answer")
        await set_back(tx, NOW, AHEAD, NOW)
        row = await health.of(tx, "sf")
    assert row is not None
    assert (row.heard_at, row.failing_since) == (NOW, NOW)


async def test_what_was_under_way_when_the_clock_was_set_back_is_put_right_later(store: Store) -> None:
    """It was written after the rest had been put right, and still with the wrong time."""
    wall, passed = [NOW + AHEAD], [0.0]
    rt = runtime(store)
    rt.clock = Steady(lambda: wall[0], lambda: passed[0], proof=timedelta(seconds=1))
    set_right = ClockSetBack(rt, lambda: passed[0])
    rt.clock()
    wall[0] = NOW
    rt.clock()
    passed[0] += 2
    assert rt.clock() == NOW
    await set_right.put_right()
    async with store.write() as tx:
        await outbox.add(tx, Deed(kind=DeedKind.ASSIGN, key="late", payload={}, due_at=NOW + AHEAD), NOW)
    await set_right.put_right()
    async with store.write() as tx:
        assert await outbox.claim(tx, NOW, limit=9, lease=timedelta(seconds=9)) == []
    passed[0] += 60
    wall[0] += timedelta(seconds=60)
    await set_right.put_right()
    async with store.write() as tx:
        assert len(await outbox.claim(tx, rt.clock(), limit=9, lease=timedelta(seconds=9))) == 1


async def test_a_tick_goes_on_after_a_clock_that_ran_ahead(store: Store) -> None:
    async with store.write() as tx:
        assert await take_slot(tx, "lanes", 1000, ahead=2)
        assert not await take_slot(tx, "lanes", 998, ahead=2)
        assert await take_slot(tx, "lanes", 997, ahead=2)
        assert not await take_slot(tx, "lanes", 997, ahead=2)
        assert await take_slot(tx, "lanes", 998, ahead=2)
