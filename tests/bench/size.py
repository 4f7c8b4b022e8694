"""Disk per shipment: a store in which parcels lived their lives scan by scan, as it lies on the disk afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import uvloop
from sqlalchemy import text

from gateway.remedies.deliver import deliver_due
from gateway.runtime import Runtime
from gateway.sandbox.people import customer, registration
from gateway.stalls.sweep import sweep
from gateway.store.engine import Store
from gateway.tracking.record import record
from gateway.tracking.register import NewShipment, register
from tests.bench.figure import Figure
from tests.bench.fill import PATIENCE, journey, number
from tests.bench.instant import standing_in
from tests.bench.measure import Plan, cores, database
from tests.bench.subject import open_gateway

NAMES = ("bytes",)
_SHIPMENTS, _SCANS, _TOGETHER = 3_000, 8, 200
_LIMIT = 2_500
#: As autovacuum is set for these tables (migration 0005).
_PARTS_SWEPT, _BUSY = 20, ("shipments", "legs", "polls", "watches", "outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Bytes per shipment. parts: of each table, with its indexes; where the store tells."""

    store: str
    bytes: float
    parts: str


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """One row: the larger of both stores counts."""
    shipments, sizes = min(_SHIPMENTS, plan.few), []
    for store in ("sqlite", "postgresql"):
        with database(store, folder) as url, standing_in(cores()[1]) as carrier:
            sizes.append(uvloop.run(_size(url, carrier, shipments)))
    worse = max(sizes, key=lambda size: size.bytes)
    yield Figure(
        name="bytes",
        title=f"disk per shipment with {_SCANS} scans that came one by one, with indexes and deeds, inbox apart; "
        f"over {shipments:,} shipments; {worse.store}, the larger",
        unit="bytes",
        goal=_LIMIT,
        less=True,
        limit=True,
        ours=[worse.bytes],
        ceiling=[_LIMIT],
        beside="; ".join(f"{size.store} {size.bytes:,.0f}" for size in sizes),
        notes=[f"{size.store}: {size.parts}" for size in sizes],
    )


async def _size(url: str, carrier: str, shipments: int) -> Size:
    gateway = await open_gateway(url, carrier)
    try:
        before = await _bytes(gateway.store)
        await _lives(gateway.rt, shipments)
        after = await _bytes(gateway.store)
        parts = await _parts(gateway.store, shipments)
        dialect = gateway.store.dialect
    finally:
        await gateway.stop()
    return Size(store=dialect, bytes=(after - before) / shipments, parts=parts)


async def _lives(rt: Runtime, shipments: int) -> None:
    """Registered as a shop registers, told of hour by hour, all of them at the same hours, and looked at.

    What PostgreSQL's autovacuum would do is done when as much has changed as has it come (migration 0005).
    """
    told = {place: journey(number(place), _SCANS) for place in range(shipments)}
    first = told[0][0].learned_at
    rt.clock = lambda: first - timedelta(hours=1)
    for start in range(0, shipments, _TOGETHER):
        async with rt.store.write(within=PATIENCE) as tx:
            for place in range(start, min(start + _TOGETHER, shipments)):
                await register(rt, tx, _new(place))
        while await deliver_due(rt, _TOGETHER):
            pass
        await _vacuum(rt.store, start, shipments)
    places, chance = list(range(shipments)), random.Random(8)
    for hour in range(_SCANS):
        rt.clock = partial(_after, first, hour)
        chance.shuffle(places)  # no carrier scans parcels in the order in which shops registered them
        for start in range(0, shipments, _TOGETHER):
            async with rt.store.write(within=PATIENCE) as tx:
                await record(rt, tx, [told[place][hour] for place in places[start : start + _TOGETHER]])
            while await sweep(rt, 500):
                pass
            await _vacuum(rt.store, start, shipments)


def _after(first: datetime, hours: int) -> datetime:
    return first + timedelta(hours=hours)


def _new(place: int) -> NewShipment:
    """As the door hands it on (gateway.web.shipments)."""
    person = customer(place, 12, datetime.now(UTC))
    body = registration(f"SO-{number(place)}", "zto", number(place), person, {})
    reference = body.pop("booking")["reference"]
    plain = {name: body.pop(name) for name in ("order_id", "carrier", "tracking_number", "service")}
    return NewShipment(**plain, reference=reference, document=body)


async def _vacuum(store: Store, changed: int, shipments: int) -> None:
    """After every twentieth part of the shipments; on SQLite there is nothing to do."""
    before, after = (place * _PARTS_SWEPT // shipments for place in (changed, changed + _TOGETHER))
    if store.dialect == "postgresql" and before != after:
        async with store.engine.connect() as conn:
            auto = await conn.execution_options(isolation_level="AUTOCOMMIT")
            await auto.execute(text(f"VACUUM {', '.join(_BUSY)}"))


async def _bytes(store: Store) -> int:
    """After a checkpoint: what the store would leave on the disk if it were stopped now."""
    if store.file is not None:
        async with store.engine.connect() as conn:
            await conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return (await asyncio.to_thread(store.file.stat)).st_size
    async with store.read() as tx:
        await tx.conn.execute(text("CHECKPOINT"))
        return int((await tx.conn.execute(text("SELECT pg_database_size(current_database())"))).scalar_one())


_PARTS = {
    "sqlite": "SELECT m.tbl_name, sum(s.pgsize) AS bytes FROM dbstat s JOIN sqlite_master m ON m.name = s.name "
    "GROUP BY 1 ORDER BY 2 DESC LIMIT 6",
    "postgresql": "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class WHERE relkind = 'r' "
    "AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 6",
}


async def _parts(store: Store, shipments: int) -> str:
    async with store.read() as tx:
        rows = (await tx.conn.execute(text(_PARTS[store.dialect]))).all()
    return ", ".join(f"{name} {int(size) / shipments:,.0f}" for name, size in rows)
