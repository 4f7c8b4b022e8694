"""The migrations make exactly the tables that the code speaks of, on both stores, and may run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gateway.store import migrate
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


async def test_revisions_are_what_alembic_takes_them_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()][::-1] == migrate.revisions()
    assert scripts.get_heads() == [migrate.newest()]


async def test_a_second_start_changes_nothing(store: Store) -> None:
    await upgrade(store)
    assert await pending(store) is None
