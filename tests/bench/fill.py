"""A store with very many shipments under way: the first is registered and read as in earnest, the others copy its rows.

`python -m tests.bench.fill sqlite:///var/many.db 100000`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from sqlalchemy import Table, text

from gateway.domain import Basis, Scan, Source, Status
from gateway.runtime import Runtime
from gateway.store.engine import Store
from gateway.store.tables import legs, micros, polls, shipments, watches
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, register
from tests.bench.subject import open_gateway

_FIRST = 73_100_000_000_000
_START = datetime(2026, 3, 5, 7, 46, tzinfo=timezone(timedelta(hours=8)))
#: What an order system registers with a parcel; the person is made up.
_DOCUMENT = {
    "origin": {"country": "CN", "region": "Henan", "city": "郑州市"},
    "destination": {"country": "CN", "region": "Guangdong", "city": "深圳市", "address": "样例路 1 号"},
    "recipient": {"name": "样例", "phone": "+8613800000000", "locale": "zh-CN"},
    "parcel": {"weight_g": 1200},
}
#: Rows per transaction, and seconds that one may take.
_CHUNK = 50_000
PATIENCE = 300.0
_SERIES = {
    "sqlite": "WITH RECURSIVE copies(n) AS (SELECT {low} UNION ALL SELECT n + 1 FROM copies WHERE n < {high}) ",
    "postgresql": "WITH copies AS (SELECT generate_series({low}::bigint, {high}::bigint) AS n) ",
}
_HEX = {"sqlite": "printf('%025x', n)", "postgresql": "lpad(to_hex(n), 25, '0')"}


def number(place: int) -> str:
    """The tracking number of a shipment, counted from 0."""
    return f"{_FIRST + place}"


def fill(url: str, count: int, scans: int = 8, *, rest: timedelta | None = None) -> None:
    """Have `count` shipments with a leg, a poll and a watch each, and `scans` scans, in this database.

    Those that are there already stay. rest: so long no poll and no watch of a new one is due. The process must not run
    a loop; elsewhere `fill_store` is for it.
    """
    asyncio.run(_fill(url, count, scans, rest))


async def _fill(url: str, count: int, scans: int, rest: timedelta | None) -> None:
    gateway = await open_gateway(url)
    await fill_store(gateway.rt, count, scans, rest=rest)
    await gateway.stop()


async def fill_store(rt: Runtime, count: int, scans: int = 8, *, rest: timedelta | None = None) -> None:
    """As `fill`, with the gateway's own store."""
    await _template(rt, scans)
    if rest is not None:
        async with rt.store.write() as tx:
            for table in ("polls", "watches"):
                await tx.conn.execute(text(f"UPDATE {table} SET due_at = :due"), {"due": micros(rt.clock() + rest)})
    async with rt.store.read() as tx:
        have = (await tx.conn.execute(text("SELECT count(*) FROM shipments"))).scalar_one()
    for low in range(have, count, _CHUNK):
        async with rt.store.write(within=PATIENCE) as tx:
            for table, columns in _COPIED.items():
                await tx.conn.execute(text(_copy(tx.dialect, table, columns, low, min(low + _CHUNK, count) - 1)))
    await _settle(rt.store)


async def _template(rt: Runtime, scans: int) -> None:
    async with rt.store.write() as tx:
        first = number(0)
        new = NewShipment(order_id=f"SO-{first}", carrier="zto", tracking_number=first, document=_DOCUMENT)
        if (await register(rt, tx, new)).created:
            await record(rt, tx, journey(first, scans))


def journey(number: str, scans: int) -> list[Heard]:
    """What a carrier tells of a parcel that moves on every hour."""
    return [
        Heard(
            provider="zto",
            source=Source.WEBHOOK,
            learned_at=_START + timedelta(hours=hour),
            scan=Scan(
                tracking_number=number,
                at=_START + timedelta(hours=hour),
                basis=Basis.CARRIER_ZONE,
                status=Status.IN_TRANSIT,
                carrier_code="push:ARRIVAL",
                text=f"【郑州市】快件已到达【郑州高新区】第{hour}站",
                place="郑州市 郑州高新区",
            ),
        )
        for hour in range(scans)
    ]


#: What is another in each copy; `{hex}`: its place, as long as the chance in a real id. The rest is the template's.
_NAME = f"CAST({_FIRST} + n AS TEXT)"
_SHIPMENT, _LEG = "'shp_' || {hex}", "'leg_' || {hex}"
_COPIED: Mapping[Table, Mapping[str, str]] = {
    shipments: {
        "id": _SHIPMENT,
        "order_id": f"'SO-' || {_NAME}",
        "tracking_number": _NAME,
        "created_at": "created_at + n",
        "updated_at": "updated_at + n",
    },
    legs: {
        "id": _LEG,
        "shipment_id": _SHIPMENT,
        "tracking_number": _NAME,
        "reference": f"'SO-' || {_NAME}",
        "opened_at": "opened_at + n",
        "history": f"replace(history, '{_FIRST}', {_NAME})",
    },
    polls: {"leg_id": _LEG, "due_at": "due_at + n"},
    watches: {"shipment_id": _SHIPMENT, "due_at": "due_at + n"},
}
_OF_TEMPLATE = {
    shipments: f"tracking_number = '{_FIRST}'",
    legs: f"tracking_number = '{_FIRST}'",
    polls: f"leg_id = (SELECT id FROM legs WHERE tracking_number = '{_FIRST}')",
    watches: f"shipment_id = (SELECT shipment_id FROM legs WHERE tracking_number = '{_FIRST}')",
}


def _copy(dialect: str, table: Table, columns: Mapping[str, str], low: int, high: int) -> str:
    """The statement that copies the template's row of a table to the places from low to high."""
    names = [column.name for column in table.columns]
    values = ", ".join(columns.get(name, name).format(hex=_HEX[dialect]) for name in names)
    series = _SERIES[dialect].format(low=low, high=high)
    insert, select = f"INSERT INTO {table.name} ({', '.join(names)}) ", f"SELECT {values} FROM {table.name}, copies "
    where = f"WHERE {_OF_TEMPLATE[table]}"
    return series + insert + select + where if dialect == "sqlite" else insert + series + select + where


async def _settle(store: Store) -> None:
    """What autovacuum would have done by the time so many were registered one by one."""
    if store.dialect == "postgresql":
        async with store.engine.connect() as conn:
            auto = await conn.execution_options(isolation_level="AUTOCOMMIT")
            await auto.execute(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
