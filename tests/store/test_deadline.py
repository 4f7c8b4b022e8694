"""A PostgreSQL that hangs, or a line that swallows everything: nobody waits for ever, and it heals."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url, text

from gateway.store import deadline
from gateway.store.away import StoreAway
from gateway.store.engine import Store, connect
from tests.e2e.process import eventually
from tests.faults.line import Line
from tests.servers import Postgres

#: Seconds; less than the gateway's own, so that the tests are short.
SOON = 0.5


@pytest.fixture
async def line(postgres: Postgres) -> AsyncIterator[Line]:
    async with Line(postgres.port) as found:
        yield found


@pytest.fixture
async def own(postgres: Postgres, line: Line) -> AsyncIterator[Store]:
    name = f"t{secrets.token_hex(6)}"
    postgres.create(name)
    found = connect(make_url(postgres.url(name)).set(port=line.port).render_as_string(hide_password=False), pool=2)
    yield found
    line.heal()
    await found.close()
    postgres.drop(name)


async def one(store: Store, *, within: float | None = SOON) -> int:
    async with store.read(within=within) as tx:
        return int((await tx.conn.execute(text("SELECT 1"))).scalar_one())


async def answers(store: Store) -> bool:
    try:
        return await one(store) == 1
    except StoreAway:
        return False


async def test_a_server_that_hangs_keeps_nobody_for_ever(own: Store, line: Line) -> None:
    assert await one(own) == 1
    line.hang()
    with pytest.raises(StoreAway):
        await asyncio.wait_for(one(own), 10 * SOON)
    line.heal()
    await eventually(lambda: answers(own), "it did not heal")


async def test_a_write_that_hangs_at_its_commit_is_no_yes(own: Store, line: Line) -> None:
    async with own.write() as tx:
        await tx.conn.execute(text("CREATE TABLE kept (n int)"))
    committed: list[int] = []
    with pytest.raises(StoreAway):
        async with own.write(within=SOON) as tx:
            await tx.conn.execute(text("INSERT INTO kept VALUES (1)"))
            tx.after_commit(lambda: committed.append(1))
            line.hang()
    assert committed == []
    line.heal()
    await eventually(lambda: answers(own), "it did not heal")


async def test_while_it_hangs_one_tries_and_the_others_are_sent_away_soon(own: Store, line: Line) -> None:
    assert await one(own) == 1
    line.hang()
    with pytest.raises(StoreAway):
        await one(own)
    # Now it is known: sixty ask, and wait for the one who tries, not for a place among the connections.
    loop = asyncio.get_running_loop()
    started = loop.time()
    ends = await asyncio.gather(*(one(own) for _ in range(60)), return_exceptions=True)
    assert all(isinstance(end, StoreAway) for end in ends)
    assert loop.time() - started < 2 * deadline.CONNECT_SECONDS + 4
    line.heal()
    await eventually(lambda: answers(own), "it did not heal")


async def test_what_may_take_long_may(own: Store) -> None:
    async with own.read(within=60) as tx:
        assert (await tx.conn.execute(text("SELECT 1 FROM pg_sleep(0.1)"))).scalar_one() == 1


async def test_the_server_lets_go_of_one_that_vanished(own: Store) -> None:
    async with own.read() as tx:
        idle = (await tx.conn.execute(text("SHOW idle_in_transaction_session_timeout"))).scalar_one()
    assert idle == "1min"


async def test_a_line_that_broke_while_nobody_used_it_costs_no_transaction(own: Store, line: Line) -> None:
    assert await one(own) == 1
    line.refuse()
    line.heal()

    async def noticed() -> bool:
        return not line._open

    await eventually(noticed, "the line is still open")
    assert await one(own) == 1
