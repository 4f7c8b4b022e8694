"""The rows of remedies: deeds of three steps by `gateway.remedies.deliver`, against a bare outbox loop.

A step notes durably what it is about to do, calls a stand-in that answers at once (in this process: over a line both
sides would wait alike), and notes durably what came of it. Both sides commit every note before the next call, claim 16
at a time under fenced leases, and keep 16 under way. Ours commits the notes of several deeds together.

The ceiling is the loop that one writes by hand over the bare driver, a connection for SQLite's one writer, a
connection for each deed on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import uvloop

from gateway.outcome import Done
from gateway.remedies.deliver import deliver_due
from gateway.runtime import Runtime
from gateway.store import outbox
from gateway.store.engine import connect
from gateway.store.migrate import upgrade
from gateway.store.outbox import Deed
from gateway.store.rows import Row
from gateway.store.tables import micros
from tests.bench.cores import on_core
from tests.bench.figure import Figure
from tests.bench.measure import Plan, cores, database
from tests.tracking.parts import runtime

#: Deeds per round and side, and those under way at once.
_DEEDS, _AT_ONCE, _STEPS = 400, 16, ("cancel", "book", "tell")
_STORES = {"deeds": "sqlite", "deeds_pg": "postgresql"}
NAMES: tuple[str, ...] = tuple(_STORES)
_TITLE = "remedies of three steps, each noted durably before and after its call, against a bare outbox loop"


class Provider:
    """Answers at once, and remembers which deed asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def call(self, step: str, key: str) -> str:
        self.asked.append((key, step))
        return f"{step}-{key}"


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names; at most 15 rounds. The databases lie in `folder`."""
    for name, store in _STORES.items():
        if name in names:
            with database(store, folder) as url, on_core(cores()[0]):
                yield uvloop.run(_measure(name, url, min(plan.rounds, 15)))


async def _measure(name: str, url: str, rounds: int) -> Figure:
    store = connect(url)
    await upgrade(store)
    rt = runtime(store)
    rt.clock = lambda: datetime.now(UTC)
    bare: Bare = await (Sqlite if store.dialect == "sqlite" else Postgresql).open(url)
    ours, ceiling = [], []
    sides = [(ours, lambda provider: _ours(rt, provider)), (ceiling, bare.deliver)]
    try:
        for number in range(rounds + 1):  # the first one warms up
            for counted, deliver in sides if number % 2 == 0 else reversed(sides):
                counted.append(await _rate(rt, deliver))
    finally:
        await bare.close()
        await store.close()
    return Figure(
        name=name, title=f"{_TITLE}, {store.dialect}", unit="deeds/s", goal=0.5, ours=ours[1:], ceiling=ceiling[1:]
    )


async def _rate(rt: Runtime, deliver: Callable[[Provider], Awaitable[None]]) -> float:
    """Deeds per second. Raise RuntimeError unless every step of every deed was done once, and all have ended."""
    now, provider = rt.clock(), Provider()
    async with rt.store.write() as tx:
        await tx.conn.exec_driver_sql("DELETE FROM outbox")
        for number in range(_DEEDS):
            await outbox.add(tx, Deed(kind="bench", key=f"{now.isoformat()}:{number}", due_at=now), now)
    began = time.perf_counter()
    await deliver(provider)
    seconds = time.perf_counter() - began
    async with rt.store.read() as tx:
        said = await tx.conn.exec_driver_sql("SELECT count(*) FROM outbox WHERE state = 'done' AND due_at IS NULL")
        done = said.scalar_one()
    if (done, len(provider.asked), len(set(provider.asked))) != (_DEEDS, *[_DEEDS * len(_STEPS)] * 2):
        raise RuntimeError(f"{done} deeds ended, {len(provider.asked)} calls of {len(set(provider.asked))} steps")
    return _DEEDS / seconds


async def _ours(rt: Runtime, provider: Provider) -> None:
    async def do(_: Runtime, deed: Row) -> Done:
        progress: dict[str, Any] = dict(deed.progress)
        for step in _STEPS:
            progress["begun"] = step
            await rt.notes(deed, progress, rt.clock() + rt.lease)
            progress[step] = await provider.call(step, deed.key)
            await rt.notes(deed, progress, rt.clock() + rt.lease)
        return Done(result=progress)

    while await deliver_due(rt, _AT_ONCE, doers={"bench": do}):
        pass


_LEASE = timedelta(seconds=20)
_DUE = "SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
_CLAIM = f"""UPDATE outbox SET due_at = $3, fence = fence + 1, state = 'doing', attempts = attempts + 1
WHERE id IN ({_DUE}) RETURNING id, key, fence"""
_CLAIM_POSTGRESQL = f"""WITH picked AS MATERIALIZED ({_DUE} FOR UPDATE SKIP LOCKED)
UPDATE outbox SET due_at = $3, fence = fence + 1, state = 'doing', attempts = attempts + 1
FROM picked WHERE outbox.id = picked.id RETURNING outbox.id, key, fence"""
_NOTE = "UPDATE outbox SET progress = $3, due_at = $4 WHERE id = $1 AND fence = $2"
_END = "UPDATE outbox SET state = 'done', due_at = NULL, ended_at = $3, result = $4 WHERE id = $1 AND fence = $2"


class Bare:
    """The ceiling: a bare outbox loop."""

    @classmethod
    async def open(cls, url: str) -> Bare:
        raise NotImplementedError

    async def commit(self, statement: str, *values: Any) -> Sequence[Any]:
        """One statement, durable."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    claiming = _CLAIM

    async def deliver(self, provider: Provider) -> None:
        while claimed := await self.commit(self.claiming, _now(), _AT_ONCE, _now() + micros_of(_LEASE)):
            await asyncio.gather(*(self._do(provider, *row) for row in claimed))

    async def _do(self, provider: Provider, deed_id: str, key: str, fence: int) -> None:
        progress: dict[str, str] = {}
        for step in _STEPS:
            progress["begun"] = step
            await self._note(deed_id, fence, progress)
            progress[step] = await provider.call(step, key)
            await self._note(deed_id, fence, progress)
        await self.commit(_END, deed_id, fence, _now(), json.dumps(progress))

    async def _note(self, deed_id: str, fence: int, progress: dict[str, str]) -> None:
        await self.commit(_NOTE, deed_id, fence, json.dumps(progress), _now() + micros_of(_LEASE))


def _now() -> int:
    return micros(datetime.now(UTC))


def micros_of(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


class Sqlite(Bare):
    """One connection, one writer at a time; every statement commits by itself."""

    def __init__(self, conn: aiosqlite.Connection) -> None:
        self._conn = conn

    @classmethod
    async def open(cls, url: str) -> Bare:
        conn = await aiosqlite.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "cache_size=-65536"):
            await conn.execute(f"PRAGMA {pragma}")
        return cls(conn)

    async def commit(self, statement: str, *values: Any) -> Sequence[Any]:
        return list(await self._conn.execute_fetchall(statement.replace("$", "?"), values))

    async def close(self) -> None:
        await self._conn.close()


class Postgresql(Bare):
    """A pool: each note commits on a connection of its own."""

    claiming = _CLAIM_POSTGRESQL

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> Bare:
        return cls(await asyncpg.create_pool(url, min_size=_AT_ONCE, max_size=_AT_ONCE))

    async def commit(self, statement: str, *values: Any) -> Sequence[Any]:
        rows: Sequence[Any] = await self._pool.fetch(statement, *values)
        return rows

    async def close(self) -> None:
        await self._pool.close()
