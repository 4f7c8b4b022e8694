"""Many rows written with one statement, past the compiler: what a batch of scans needs, at a fraction of the calls.

SQLite runs a statement once per row without leaving the driver; PostgreSQL takes a column at a time as arrays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Integer, String, Table, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from gateway.store.engine import Tx
from gateway.store.tables import Instant, Json, compact, micros


async def put_many(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows by their primary key. Each names the key and the columns to write: one statement per set of them."""
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[tuple(row)].append(row)
    for names, values in alike.items():
        await _run(tx, _update(table, names, tx.dialect), table, names, values)


async def upsert_many(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], change: tuple[str, ...]) -> None:
    """Insert rows that all name the same columns, each key once; where it is there already, write only `change`."""
    if rows:
        names = tuple(rows[0])
        await _run(tx, _upsert(table, names, change, tx.dialect), table, names, rows)


def among(tx: Tx, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """That a column holds one of these texts: the same statement for one and for a thousand, so it is prepared once."""
    wanted = sorted(values)
    if _sqlite(tx):
        return column.in_(select(func.json_each(compact(wanted)).table_valued("value").c.value))
    return column == any_(literal(wanted, ARRAY(Text)))


async def run_many(tx: Tx, sqlite: str, postgresql: str, rows: Sequence[Sequence[Any]]) -> int:
    """A statement of one's own for many rows, of values as the driver takes them. How many rows it changed.

    SQLite runs it once per row, PostgreSQL once with a column per parameter (`unnest`).
    """
    if not rows:
        return 0
    if _sqlite(tx):
        return (await tx.conn.exec_driver_sql(sqlite, [tuple(row) for row in rows])).rowcount
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return (await tx.conn.exec_driver_sql(postgresql, columns)).rowcount


async def _run(tx: Tx, statement: str, table: Table, names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> None:
    columns = [_encoded(table.c[name].type, [row[name] for row in rows]) for name in names]
    await tx.conn.exec_driver_sql(statement, list(zip(*columns, strict=True)) if _sqlite(tx) else tuple(columns))


def _sqlite(tx: Tx) -> bool:
    return tx.dialect == "sqlite"


@lru_cache(maxsize=64)
def _update(table: Table, names: tuple[str, ...], dialect: str) -> str:
    (key,) = table.primary_key.columns
    if dialect == "sqlite":
        places = {name: f"?{place}" for place, name in enumerate(names, 1)}
        written = ", ".join(f"{name} = {place}" for name, place in places.items() if name != key.name)
        return f"UPDATE {table.name} SET {written} WHERE {key.name} = {places[key.name]}"  # noqa: S608 - our own names
    written = ", ".join(f"{name} = given.{name}" for name in names if name != key.name)
    return (
        f"UPDATE {table.name} SET {written} FROM {_given(table, names)} "  # noqa: S608 - our own names
        f"WHERE {table.name}.{key.name} = given.{key.name}"
    )


@lru_cache(maxsize=64)
def _upsert(table: Table, names: tuple[str, ...], change: tuple[str, ...], dialect: str) -> str:
    (key,) = table.primary_key.columns
    listed = ", ".join(names)
    if dialect == "sqlite":
        source = f"VALUES ({', '.join('?' for _ in names)})"
    else:
        source = f"SELECT {listed} FROM {_given(table, names)}"  # noqa: S608 - our own names
    written = ", ".join(f"{name} = excluded.{name}" for name in change)
    return f"INSERT INTO {table.name} ({listed}) {source} ON CONFLICT ({key.name}) DO UPDATE SET {written}"


def _given(table: Table, names: Iterable[str]) -> str:
    kinds = ", ".join(f"${place}::{_array(table.c[name].type)}" for place, name in enumerate(names, 1))
    return f"unnest({kinds}) AS given ({', '.join(names)})"


def _array(kind: TypeEngine[Any]) -> str:
    if isinstance(kind, Instant | BigInteger):
        return "bigint[]"
    if isinstance(kind, Integer):
        return "integer[]"
    return "boolean[]" if isinstance(kind, Boolean) else "text[]"


def _encoded(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """As the driver takes them. Enums become plain text: the driver of SQLite is slow with anything else."""
    encode = _ENCODERS.get(type(kind))
    return values if encode is None else [None if value is None else encode(value) for value in values]


def _instant(at: datetime | int) -> int:
    """A time as it is stored stays as it is."""
    return at if isinstance(at, int) else micros(at)


_ENCODERS: Mapping[type[Any], Callable[[Any], Any]] = {Instant: _instant, Json: compact, String: str, Text: str}
