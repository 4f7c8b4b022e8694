"""A file of `gateway export` into an empty store, in one transaction: whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from gateway.store import census
from gateway.store.archive import Head, Section
from gateway.store.archive_reader import BadArchive, Reader
from gateway.store.engine import Store, Tx
from gateway.store.export import HOURS, Told, count, tables
from gateway.store.migrate import alone, begin_anew, bring, known, newest, revision


class CannotLoad(Exception):
    """The store is not for this file: in use, not empty, of another secret key. Says why."""


async def load(store: Store, path: Path, *, secret: str | None, told: Told) -> Head:
    """Fill an empty store; its schema is made, or made anew, as the file needs it, and is the newest afterwards.

    secret: the fingerprint of the secret key in use. Nothing is there after an error. Raise CannotLoad, BadArchive,
    CannotOpen, StoreAway.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(Reader(path))
        _fits(reader, secret)
        if store.file is not None:
            try:
                stack.enter_context(census.hold(store.file))
            except census.Held as error:
                raise CannotLoad(f"a gateway serves {error}: stop it first") from error
        async with store.write(within=HOURS) as tx:
            await alone(tx)
            await _to_itself(tx)
            await _ours(tx)
            await bring(tx)
            await _empty(tx)
            if reader.head.schema != newest():
                await begin_anew(tx, reader.head.schema)
            await fill(tx, reader, told)
            await bring(tx)
    return reader.head


def _fits(reader: Reader, secret: str | None) -> None:
    """Raise BadArchive, CannotLoad."""
    head = reader.head
    if not known(head.schema):
        raise BadArchive(
            f"{reader.path} has schema {head.schema}; this version of the gateway knows up to {newest()}. "
            "Import it with the version that wrote it, or a later one"
        )
    if head.secret != secret and head.secret is not None:
        raise CannotLoad(
            "the keyed hashes in the file (who must not be written to, caps) were made with another secret key: "
            "GATEWAY_SECRET_KEY, or secret.key beside the SQLite file, has to be that of the store it came from"
        )


async def _to_itself(tx: Tx) -> None:
    """No process has the store open; those that start now wait in `alone`."""
    others = await census.processes(tx) - 1
    if others:
        raise CannotLoad(f"processes that use the database: {others}. Stop them first")


async def _ours(tx: Tx) -> None:
    """Tables of our names that no gateway made are left alone. Raise CannotLoad naming them."""
    if await revision(tx) is None:
        there = {table.name for table in tables()} & await _there(tx)
        if there:
            raise CannotLoad(f"the database has tables that are not the gateway's: {', '.join(sorted(there))}")


async def _empty(tx: Tx) -> None:
    """Raise CannotLoad naming what is there."""
    counted = {table.name: await count(tx, table) for table in tables()}
    held = [f"{name} {rows}" for name, rows in counted.items() if rows]
    if held:
        raise CannotLoad(f"the store is not empty ({', '.join(held)}): import goes into a new database")


async def _there(tx: Tx) -> set[str]:
    return set(await tx.conn.run_sync(lambda connection: inspect(connection).get_table_names()))


async def fill(tx: Tx, reader: Reader, told: Told) -> None:
    """Every row of the file into tables of its own schema, ids, fences and sequences as they were. Raise BadArchive."""
    strange = sorted(reader.head.tables.keys() - await _there(tx))
    if strange:
        raise BadArchive(f"{reader.path}: schema {reader.head.schema} has no tables {', '.join(strange)}")
    done: dict[str, int] = {}
    for section, rows in reader.batches():
        if rows:
            await _insert(tx, section, rows)
            done[section.table] = done.get(section.table, 0) + len(rows)
            told(section.table, done[section.table], reader.head.tables[section.table])
        elif section.last is not None:
            await _count_on(tx, section.table, section.last)


async def _insert(tx: Tx, section: Section, rows: Sequence[tuple[Any, ...]]) -> None:
    quote = tx.conn.dialect.identifier_preparer.quote_identifier
    names = ", ".join(quote(name) for name in section.columns)
    marks = ", ".join("?" if tx.dialect == "sqlite" else f"${place}" for place in range(1, len(section.columns) + 1))
    into = f"INSERT INTO {quote(section.table)} ({names}) VALUES ({marks})"  # noqa: S608 - quoted
    await tx.conn.exec_driver_sql(into, list(rows))


async def _count_on(tx: Tx, table: str, last: int) -> None:
    """The next id is above every one that was ever given. SQLite counts on from the highest row by itself, and
    remembers a higher one where the table was made so (`inbox`)."""
    if tx.dialect == "postgresql":
        if last:
            await tx.conn.exec_driver_sql("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", (table, last))
        return
    kept = await tx.conn.exec_driver_sql(
        "SELECT 1 FROM sqlite_master WHERE name = ? AND upper(sql) LIKE '%AUTOINCREMENT%'", (table,)
    )
    if kept.scalar_one_or_none():
        await tx.conn.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        await tx.conn.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
