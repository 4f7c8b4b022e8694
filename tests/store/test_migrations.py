"""The migrations make exactly the tables that the code speaks of, on both stores, and may run twice."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from gateway.store.engine import Store
from gateway.store.migrate import pending, upgrade
from gateway.store.tables import metadata


def difference(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    return list(compare_metadata(context, metadata))


async def test_the_migrations_make_the_tables_of_the_code(store: Store) -> None:
    async with store.read() as tx:
        assert await tx.conn.run_sync(difference) == []
    assert await pending(store) is None


async def test_a_second_start_changes_nothing(store: Store) -> None:
    await upgrade(store)
    assert await pending(store) is None
