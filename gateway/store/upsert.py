"""Insert what is not there yet; the same words on both stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert as PgInsert
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store.engine import Tx


def insert(tx: Tx, table: Table) -> PgInsert | SqliteInsert:
    """An INSERT that knows ON CONFLICT, for the store of this transaction."""
    return sqlite_insert(table) if tx.dialect == "sqlite" else pg_insert(table)


async def insert_new(tx: Tx, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row; False, and nothing changed, when one of its unique keys is taken."""
    statement = insert(tx, table).values(**values).on_conflict_do_nothing()
    return (await tx.conn.execute(statement)).rowcount == 1
