"""A PostgreSQL that is stopped and started again: waited for a little, told apart from a wrong statement, said once."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.jobs import Chore, Clock, Loop
from gateway.store import census
from gateway.store.away import StoreAway, StoreRefused
from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade
from tests.e2e.process import eventually
from tests.servers import Postgres
from tests.tracking.parts import Clock as Time
from tests.tracking.parts import runtime


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as found:
        found.create("away")
        yield found


@pytest.fixture
async def own(server: Postgres) -> AsyncIterator[Store]:
    found = connect(server.url("away"))
    await upgrade(found)
    yield found
    await found.close()


async def one(store: Store) -> int:
    async with store.read() as tx:
        return int((await tx.conn.execute(text("SELECT 1"))).scalar_one())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_transaction_that_was_cut_off_is_told_from_a_wrong_one(
    server: Postgres, own: Store, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="gateway.store.engine")
    with pytest.raises(DBAPIError):
        async with own.write() as tx:
            await tx.conn.execute(text("SELECT nothing"))
    with pytest.raises(StoreAway):
        async with own.write() as tx:
            await asyncio.to_thread(server.stop, how)
            await tx.conn.execute(text("SELECT 1"))
    with pytest.raises(StoreAway):
        await one(own)
    starting = asyncio.create_task(asyncio.to_thread(server.start))

    async def back() -> bool:
        try:
            return await one(own) == 1
        except StoreAway:
            return False

    await eventually(back, "the store never came back")
    await starting
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the store is away",
        "the store is back",
    ]


async def test_a_door_that_is_shut_is_no_door_that_is_stuck(server: Postgres) -> None:
    for url in (server.url("nowhere"), server.url("away").replace("gateway@", "nobody@")):
        store = connect(url)
        with pytest.raises(StoreRefused, match="does not exist"):
            await one(store)
        await store.close()


async def test_processes_are_counted_by_their_connections(server: Postgres, own: Store) -> None:
    other = connect(server.url("away"))
    await one(other)
    async with own.read() as tx:
        assert await census.processes(tx) == 2
    await other.close()

    async def alone() -> bool:
        async with own.read() as tx:
            return await census.processes(tx) == 1

    await eventually(alone, "one that has gone is still counted")


async def test_a_slot_is_taken_once_by_however_many_clocks(store: Store) -> None:
    """Each of three looks once a second; the time they go by stands still until the slot before was taken."""
    now, looks = Time(), [0, 0, 0]
    taken: list[int] = []

    def clock(number: int) -> Clock:
        async def work() -> None:
            taken.append(number)

        async def look() -> int:
            looks[number] += 1
            return 0

        chores = [Chore(name="tick", work=work, seconds=1)]
        return Clock(runtime(store, clock=now), [Loop(signal="look", work=look, seconds=0.5)], chores)

    clocks = [clock(number) for number in range(3)]
    for one_clock in clocks:
        one_clock.start()
    for slot in range(1, 4):
        before = list(looks)

        async def all_looked(slot: int = slot, before: list[int] = before) -> bool:
            return len(taken) >= slot and all(now > then + 4 for now, then in zip(looks, before, strict=True))

        await eventually(all_looked, f"nothing ticks: {taken}")
        assert len(taken) == slot
        now.forward(seconds=1)
    for one_clock in clocks:
        await one_clock.stop()


async def test_a_loop_goes_on_when_the_store_is_back(store: Store) -> None:
    rt = runtime(store)
    passes: list[str] = []

    async def work() -> int:
        passes.append("pass")
        if len(passes) < 3:
            raise StoreAway("gone")
        return 0

    clock = Clock(rt, [Loop(signal="work", work=work, seconds=0.1)], [])
    clock.start()

    async def went_on() -> bool:
        return len(passes) >= 4

    await eventually(went_on, "the loop ended with the store")
    await clock.stop()
