"""Many more rows like those that are there: a store in which a planner has reason to use an index."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text, text
from sqlalchemy.types import TypeDecorator

from gateway.store.engine import Store
from gateway.store.tables import Instant, metadata

#: Columns that tell rows, parcels, orders and people apart: each copy has its own.
_OWN = {
    *(
        "id",
        "shipment_id",
        "leg_id",
        "case_id",
        "deed_id",
        "order_id",
        "tracking_number",
        "reference",
        "key",
        "open_key",
    ),
    *("claim", "code", "decision", "address_key", "customer", "address", "after", "provider_id"),
}
#: These lie ahead; every other time lies behind.
_AHEAD = {"due_at", "expires_at", "promised_at", "subscribed_until"}
#: What most rows of a grown store look like: done.
_MOSTLY = {
    "inbox": "state = 'read', due_at = NULL",
    "outbox": "state = 'done', due_at = NULL",
    "cases": "state = 'resolved', open_key = NULL",
    "messages": "state = 'delivered'",
    "ledger": "state = 'redeemed'",
    "legs": "closed_at = opened_at",
    "shipments": "stalled = false, late = false",
}
_SERIES = {
    "sqlite": "WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {count}) ",
    "postgresql": "WITH copies AS (SELECT generate_series(1::bigint, {count}) AS n) ",
}
#: Between one copy and the next: an hour.
_MICROS = 3_600_000_000


async def multiply(store: Store, tables: set[str], rows: int) -> None:
    """Until each of these tables has at least so many rows; then PostgreSQL counts what is in them."""
    for name in sorted(tables):
        async with store.write() as tx:
            have = (await tx.conn.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()
            assert have, f"{name} is empty: the scenario writes nothing there"
            series = _SERIES[store.dialect].format(count=-(-rows // have))
            await tx.conn.execute(text(_copy(metadata.tables[name], series, store.dialect)))
            if name in _MOSTLY:
                old = f"UPDATE {name} SET {_MOSTLY[name]} WHERE {_key(name)} LIKE '%~%'"
                await tx.conn.execute(text(old))
            if store.dialect == "postgresql":  # autovacuum does it in earnest; on SQLite nobody does
                await tx.conn.execute(text(f"ANALYZE {name}"))


def _key(name: str) -> str:
    """A column of which copies can be told by the mark in it."""
    return "reason" if name == "inbox" else "id"


def _copy(table: Table, series: str, dialect: str) -> str:
    columns = [column for column in table.columns if not _serial(column)]
    names, values = ", ".join(column.name for column in columns), ", ".join(map(_value, columns))
    insert, select = f"INSERT INTO {table.name} ({names}) ", f"SELECT {values} FROM {table.name}, copies"
    where = " WHERE true"
    return series + insert + select + where if dialect == "sqlite" else insert + series + select + where


def _serial(column: Column[object]) -> bool:
    return column.primary_key and not isinstance(column.type, String | Text | TypeDecorator)


def _value(column: Column[object]) -> str:
    name = column.name
    if column.table.name == "inbox" and name == "reason":
        return "'~'"
    if name in _OWN and isinstance(column.type, String):
        return f"substr({name}, 1, {(column.type.length or 60) - 8}) || '~' || n"
    if isinstance(column.type, Instant):
        return f"{name} {'+' if name in _AHEAD else '-'} n * {_MICROS}"
    return name
