"""The rows that a million shipments are needed for: growth of reads and claims, and the sweep; on SQLite."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from gateway.app import Gateway
from gateway.runtime import Runtime
from gateway.stalls.sweep import sweep
from gateway.store import polls, watches
from gateway.store.polls import End
from gateway.store.tables import micros
from gateway.tracking.view import read_tracking
from tests.bench.cores import on_core
from tests.bench.figure import Figure
from tests.bench.fill import fill_store, number
from tests.bench.measure import Plan, cores, database
from tests.bench.subject import open_gateway

NAMES = ("growth_read", "growth_claim", "sweep_1m")
#: Numbers read in a round and side; legs of a claim, and claimed in a round; shipments that are due in a sweep.
_READS, _BATCH, _CLAIMED, _DUE = 500, 500, 5_000, 1_000
#: An hour after the last scan that tests.bench.fill tells: all is well.
_NOW = datetime(2026, 3, 5, 16, tzinfo=UTC)
_LATER = timedelta(days=30)
Side = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A gateway on a store with so many shipments."""

    gateway: Gateway
    shipments: int

    def some(self, wanted: int) -> int:
        """So many, or as many as there are."""
        return min(wanted, self.shipments)

    @property
    def rt(self) -> Runtime:
        return self.gateway.rt


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names, over one filled database and a small one."""
    with database("sqlite", folder) as many, database("sqlite", folder) as few, on_core(cores()[0]):
        yield from uvloop.run(_measure(names, plan, many, few))


async def _measure(names: Sequence[str], plan: Plan, many_url: str, few_url: str) -> list[Figure]:
    rounds, figures = min(plan.rounds, 15), []
    async with AsyncExitStack() as stack:
        few = await stack.enter_async_context(_town(few_url, plan.few))
        many = await stack.enter_async_context(_town(many_url, plan.many))
        for name, side in (("growth_read", _read), ("growth_claim", _claimed)):
            if name in names:
                figures.append(await _growth(name, side, many, few, rounds))
        if "sweep_1m" in names:
            figures.append(await _swept(many, many_url, rounds))
    return figures


@asynccontextmanager
async def _town(url: str, shipments: int) -> AsyncIterator[Town]:
    gateway = await open_gateway(url)
    try:
        await fill_store(gateway.rt, shipments)
        gateway.rt.clock = lambda: _NOW
        yield Town(gateway=gateway, shipments=shipments)
    finally:
        await gateway.stop()


async def _growth(name: str, side: Callable[[Town], Awaitable[float]], many: Town, few: Town, rounds: int) -> Figure:
    sides: tuple[tuple[Town, list[float]], ...] = (many, []), (few, [])
    for at in range(rounds + 1):  # the first one warms up
        for town, told in sides if at % 2 == 0 else reversed(sides):
            told.append(await side(town))
    what = {"growth_read": "numbers read from the store, rendered, none twice", "growth_claim": _CLAIM}[name]
    return Figure(
        name=name,
        title=f"{what}: with {many.shipments:,} shipments, against the same with {few.shipments:,}",
        unit="numbers/s" if side is _read else "legs/s",
        goal=0.8,
        ours=sides[0][1][1:],
        ceiling=sides[1][1][1:],
    )


async def _read(town: Town) -> float:
    """Numbers per second. What the cache holds is forgotten: each is read from the store."""
    wanted = [number(place) for place in random.sample(range(town.shipments), town.some(_READS))]
    for one in wanted:
        town.rt.cache.drop(one)
    began = time.perf_counter()
    for one in wanted:
        if await read_tracking(town.rt, one) is None:
            raise RuntimeError(f"{one} is not there")
    return len(wanted) / (time.perf_counter() - began)


_CLAIM = f"legs claimed and ended in batches of {_BATCH}, all of them due"


async def _claimed(town: Town) -> float:
    """Legs per second. What is ended is due again, behind all others."""
    now, began, batch = datetime.now(UTC) + _LATER, time.perf_counter(), town.some(_BATCH)
    for _ in range(_CLAIMED // _BATCH):
        async with town.rt.store.write() as tx:
            claimed = await polls.claim(tx, "zto", now, limit=batch, lease=timedelta(minutes=10))
        async with town.rt.store.write() as tx:
            ends = [End(leg_id=row.leg_id, fence=row.fence, due_at=now) for row in claimed]
            if await polls.end_many(tx, ends) != batch:
                raise RuntimeError("a claimed leg was not ours to end")
    return _CLAIMED // _BATCH * batch / (time.perf_counter() - began)


async def _swept(town: Town, url: str, rounds: int) -> Figure:
    """Both sides see the same rows due; who puts them back has them made due again.

    Told beside: what the bare driver needs for more than the ceiling does, and so nobody can do without: reading the
    columns a glance judges by, and one statement with its commit that puts all back and judges nothing.
    """
    bare = await asyncio.to_thread(
        sqlite3.connect, url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    sides: dict[str, list[float]] = {"ours": [], "index": [], "columns": [], "put": []}
    await _far(town)
    for _ in range(rounds + 1):
        await _due_again(town)
        for name, deed in (("index", _index), ("columns", _columns), ("put", _put_back)):
            sides[name].append(await asyncio.to_thread(deed, bare))
        await _due_again(town)
        began = time.perf_counter()
        if (seen := await sweep(town.rt, _DUE)) != town.some(_DUE):
            raise RuntimeError(f"{seen} were due")
        sides["ours"].append((time.perf_counter() - began) * 1000)
    await asyncio.to_thread(bare.close)
    columns, put = (statistics.median(sides[name][1:]) for name in ("columns", "put"))
    return Figure(
        name="sweep_1m",
        title=f"the sweep over {town.shipments:,} live shipments of which {_DUE:,} are due and well, each judged and "
        "rescheduled in a durable commit, against reading that index range by the bare driver",
        unit="ms",
        goal=3,
        less=True,
        ours=sides["ours"][1:],
        ceiling=sides["index"][1:],
        beside=f"bare: the columns judged by {columns:.1f} ms, put back {put:.1f} ms",
    )


async def _far(town: Town) -> None:
    async with town.rt.store.write() as tx:
        await tx.conn.exec_driver_sql(f"UPDATE watches SET due_at = {micros(_NOW + _LATER)}")


async def _due_again(town: Town) -> None:
    """Evenly strewn over all shipments."""
    due = town.some(_DUE)
    step = town.shipments // due
    some = f"SELECT shipment_id FROM watches ORDER BY shipment_id LIMIT {due * step}"
    strewn = (
        f"SELECT shipment_id FROM (SELECT shipment_id, row_number() OVER () AS n FROM ({some})) WHERE n % {step} = 0"
    )
    async with town.rt.store.write() as tx:
        await tx.conn.exec_driver_sql(f"UPDATE watches SET due_at = {micros(_NOW)} - 1 WHERE shipment_id IN ({strewn})")
    async with (
        town.rt.store.engine.connect() as conn
    ):  # else what we wrote is moved to the database in a sweep's commit
        await conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _index(bare: sqlite3.Connection) -> float:
    statement = "SELECT shipment_id, fence FROM watches WHERE due_at <= ? ORDER BY due_at LIMIT ?"
    return _milliseconds(lambda: bare.execute(statement, (micros(_NOW), _DUE)).fetchall())


def _columns(bare: sqlite3.Connection) -> float:
    statement, parameters = watches.asked("sqlite", _NOW, (), _DUE)
    return _milliseconds(lambda: bare.execute(statement, parameters).fetchall())


def _put_back(bare: sqlite3.Connection) -> float:
    statement = f"UPDATE watches SET due_at = {micros(_NOW + _LATER)} - 1 WHERE due_at <= {micros(_NOW)}"
    return _milliseconds(lambda: [bare.execute(said) for said in ("BEGIN IMMEDIATE", statement, "COMMIT")])


def _milliseconds(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return (time.perf_counter() - began) * 1000
