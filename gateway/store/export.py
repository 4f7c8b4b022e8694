"""Every row of a store into one file, as of one moment, while others write: for moving to the other kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Table, Text
from sqlalchemy.types import TypeEngine

from gateway.store.archive import Head, Section, Writer
from gateway.store.engine import Store, Tx
from gateway.store.migrate import revision
from gateway.store.tables import Instant, Json, metadata

#: (table, rows done, rows in all): for whoever watches.
Told = Callable[[str, int, int], None]
#: Rows read together; of tables with bodies, which may be a megabyte each, fewer.
_ROWS, _BODIES = 1000, 200
#: Seconds that an export or an import may take: PostgreSQL's end of other transactions is not for them.
HOURS = 24 * 3600.0
_KINDS: Sequence[tuple[type[TypeEngine[Any]], str]] = (
    (Instant, "time"), (Json, "json"), (LargeBinary, "bytes"), (Boolean, "bool"), (Float, "float"), (BigInteger, "int"),
    (Integer, "int"), (Text, "text"), (String, "text"),
)  # fmt: skip


async def export(store: Store, path: Path, *, secret: str | None, told: Told) -> dict[str, int]:
    """Write the whole store, which has the newest schema, to `path`. The rows of each table.

    secret: a fingerprint of the secret key (gateway/store/archive.py). Raise StoreAway; OSError about the file.
    """
    async with store.read(within=HOURS) as tx:
        await _one_moment(tx)
        counts = {table.name: await count(tx, table) for table in tables()}
        head = Head(
            schema=await revision(tx) or "",
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=tx.dialect,
            secret=secret,
            tables=counts,
        )
        with Writer(path) as writer:
            writer.head(head)
            for table in tables():
                await _table(tx, writer, table, counts[table.name], told)
            writer.end()
    return counts


def tables() -> list[Table]:
    return sorted(metadata.tables.values(), key=lambda table: table.name)


async def _one_moment(tx: Tx) -> None:
    """From here on the transaction sees the store as it is now. SQLite's does so from its first read."""
    if tx.dialect == "postgresql":
        await tx.conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


async def count(tx: Tx, table: Table) -> int:
    return int((await tx.conn.exec_driver_sql(f'SELECT count(*) FROM "{table.name}"')).scalar_one())  # noqa: S608


async def _table(tx: Tx, writer: Writer, table: Table, of: int, told: Told) -> None:
    kinds = {column.name: kind(column) for column in table.columns}
    writer.section(Section(table=table.name, columns=kinds, last=await _last(tx, table)))
    done = 0
    async for rows in _chunks(tx, table, _BODIES if "bytes" in kinds.values() else _ROWS):
        writer.rows(rows)
        done += len(rows)
        told(table.name, done, of)


def kind(column: Column[Any]) -> str:
    """What a file calls a column of this type."""
    return next(kind for known, kind in _KINDS if isinstance(column.type, known))


async def _chunks(tx: Tx, table: Table, rows: int) -> AsyncIterator[Sequence[Any]]:
    """The table in the order of its primary key, as the driver gives it: no scan is repeated, no row held long."""
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key.columns]
    marks = ["?"] * len(key) if tx.dialect == "sqlite" else [f"${place}" for place in range(1, len(key) + 1)]
    every = f'SELECT {_quoted(names)} FROM "{table.name}"'  # noqa: S608 - names are those of our tables
    order = f"ORDER BY {_quoted(key)} LIMIT {rows}"
    chunk = (await tx.conn.exec_driver_sql(f"{every} {order}")).all()
    following = f"{every} WHERE ({_quoted(key)}) > ({', '.join(marks)}) {order}"
    places = [names.index(name) for name in key]
    while chunk:
        yield chunk
        after = tuple(chunk[-1][place] for place in places)
        chunk = (await tx.conn.exec_driver_sql(following, after)).all() if len(chunk) == rows else []


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


async def _last(tx: Tx, table: Table) -> int | None:
    """The highest id that was ever given, if the store counts them; rows that had it may be gone."""
    column = table.autoincrement_column
    if column is None:
        return None
    highest = f'SELECT max("{column.name}") FROM "{table.name}"'  # noqa: S608
    if tx.dialect == "postgresql":
        sequence = (await tx.conn.exec_driver_sql(_SEQUENCE, (table.name, column.name))).scalar_one()
        given = f"SELECT last_value FROM {sequence} WHERE is_called"  # noqa: S608 - quoted by PostgreSQL
    else:
        given = f"SELECT seq FROM sqlite_sequence WHERE name = '{table.name}'"  # noqa: S608
    said = [(await tx.conn.exec_driver_sql(one)).scalar_one_or_none() for one in (highest, given)]
    return max((number for number in said if number is not None), default=0)


_SEQUENCE = "SELECT pg_get_serial_sequence($1, $2)"
