"""The rows of claiming: due legs claimed and completed by `gateway.store.polls`, against bare SQL on the same table.

Both sides claim a batch in one transaction and end it in a second one; both keep the fences. The ceiling speaks
through the bare driver, with the statements that one would write by hand.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiosqlite
import asyncpg
import uvloop

from gateway.store import polls
from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade
from gateway.store.polls import End
from gateway.store.tables import micros
from tests.bench.cores import on_core
from tests.bench.figure import Figure
from tests.bench.measure import Plan, cores, database

#: Legs that are due, those of one claim, and how many are claimed and ended per round and side.
_LEGS, _BATCH, _PER_ROUND = 50_000, 500, 5_000
_NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
_LEASE, _NEXT = timedelta(minutes=10), timedelta(hours=4)
_STORES = {"claim": "sqlite", "claim_pg": "postgresql"}
NAMES: tuple[str, ...] = tuple(_STORES)
_TITLE = f"due legs claimed and completed in batches of {_BATCH}, against bare SQL through the bare driver"


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names; at most 15 rounds. The databases lie in `folder`."""
    for name, store in _STORES.items():
        if name in names:
            with database(store, folder) as url, on_core(cores()[0]):
                yield uvloop.run(_measure(name, url, min(plan.rounds, 15)))


async def _measure(name: str, url: str, rounds: int) -> Figure:
    store = connect(url)
    await upgrade(store)
    bare: Bare = await (Sqlite if store.dialect == "sqlite" else Postgresql).open(url)
    sides: dict[str, tuple[list[float], Callable[[], Awaitable[int]]]] = {
        "ours": ([], lambda: _ours(store)),
        "ceiling": ([], bare.batch),
    }
    try:
        await _fill(store)
        for number in range(rounds + 1):  # the first one warms up
            for counted, batch in list(sides.values())[:: 1 if number % 2 == 0 else -1]:
                await _all_due(store)
                counted.append(await _rate(batch))
    finally:
        await bare.close()
        await store.close()
    ours, ceiling = (counted[1:] for counted, _ in sides.values())
    return Figure(name=name, title=f"{_TITLE}, {store.dialect}", unit="legs/s", goal=0.7, ours=ours, ceiling=ceiling)


async def _fill(store: Store) -> None:
    for start in range(0, _LEGS, 10_000):
        async with store.write() as tx:
            await polls.schedule_many(tx, [(f"lg_{leg:024}", "sf", _NOW) for leg in range(start, start + 10_000)])


async def _all_due(store: Store) -> None:
    async with store.write() as tx:
        await tx.conn.exec_driver_sql(f"UPDATE polls SET due_at = {micros(_NOW)}")


async def _rate(batch: Callable[[], Awaitable[int]]) -> float:
    began, done = time.perf_counter(), 0
    while done < _PER_ROUND:
        done += (ended := await batch())
        if ended != _BATCH:
            raise RuntimeError(f"{ended} legs of a batch were claimed and ended")
    return done / (time.perf_counter() - began)


async def _ours(store: Store) -> int:
    async with store.write() as tx:
        claimed = await polls.claim(tx, "sf", _NOW, limit=_BATCH, lease=_LEASE)
    async with store.write() as tx:
        return await polls.end_many(
            tx, [End(leg_id=row.leg_id, fence=row.fence, due_at=_NOW + _NEXT) for row in claimed]
        )


@dataclass(kw_only=True)
class Bare(ABC):
    """The ceiling on one store."""

    @classmethod
    @abstractmethod
    async def open(cls, url: str) -> Bare: ...

    @abstractmethod
    async def batch(self) -> int:
        """Claim a batch and end it; how many."""

    @abstractmethod
    async def close(self) -> None: ...


_DUE, _UNTIL, _LATER = micros(_NOW), micros(_NOW + _LEASE), micros(_NOW + _NEXT)


@dataclass(kw_only=True)
class Sqlite(Bare):
    conn: aiosqlite.Connection

    @classmethod
    async def open(cls, url: str) -> Bare:
        conn = await aiosqlite.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "cache_size=-65536"):
            await conn.execute(f"PRAGMA {pragma}")
        return cls(conn=conn)

    async def batch(self) -> int:
        await self.conn.execute("BEGIN IMMEDIATE")
        claimed = await self.conn.execute_fetchall(
            "UPDATE polls SET due_at = ?, fence = fence + 1 WHERE leg_id IN (SELECT leg_id FROM polls "
            "WHERE carrier = ? AND due_at <= ? ORDER BY due_at LIMIT ?) RETURNING leg_id, fence, failures",
            (_UNTIL, "sf", _DUE, _BATCH),
        )
        await self.conn.execute("COMMIT")
        await self.conn.execute("BEGIN IMMEDIATE")
        ended = await self.conn.executemany(
            "UPDATE polls SET due_at = ?, failures = 0 WHERE leg_id = ? AND fence = ?",
            [(_LATER, leg_id, fence) for leg_id, fence, _ in claimed],
        )
        await self.conn.execute("COMMIT")
        return ended.rowcount

    async def close(self) -> None:
        await self.conn.close()


@dataclass(kw_only=True)
class Postgresql(Bare):
    conn: asyncpg.Connection

    @classmethod
    async def open(cls, url: str) -> Bare:
        return cls(conn=await asyncpg.connect(url))

    async def batch(self) -> int:
        async with self.conn.transaction():
            claimed = await self.conn.fetch(
                "WITH picked AS MATERIALIZED (SELECT leg_id FROM polls WHERE carrier = $2 AND due_at <= $3 "
                "ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) UPDATE polls SET due_at = $1, fence = fence + 1 "
                "FROM picked WHERE polls.leg_id = picked.leg_id RETURNING polls.leg_id, fence, failures",
                _UNTIL, "sf", _DUE, _BATCH,
            )  # fmt: skip
        async with self.conn.transaction():
            said = await self.conn.execute(
                "UPDATE polls SET due_at = $3, failures = 0 FROM unnest($1::text[], $2::int[]) AS told (leg_id, fence) "
                "WHERE polls.leg_id = told.leg_id AND polls.fence = told.fence",
                [row[0] for row in claimed], [row[1] for row in claimed], _LATER,
            )  # fmt: skip
        return int(said.split()[1])

    async def close(self) -> None:
        await self.conn.close()
