"""Bring a store to the newest schema (Alembic). Forward only."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gateway.store.away import StoreRefused
from gateway.store.deadline import LONG
from gateway.store.engine import CannotOpen, Store, Tx

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


async def alone(tx: Tx) -> None:
    """No other process starts until this transaction ends."""
    if tx.dialect == "postgresql":
        await tx.conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7283411905)")


async def upgrade(store: Store) -> None:
    """Apply what is missing, in one transaction. Two processes that start together wait for each other.

    Raise CannotOpen when the database does not let us in, StoreAway when it cannot be reached.
    """
    try:
        await _reach(store)
    except StoreRefused as error:
        raise CannotOpen(f"the database does not answer: {error}") from error
    async with store.write(within=LONG) as tx:
        await alone(tx)
        await tx.conn.run_sync(lambda connection: command.upgrade(_config(connection), "head"))


async def _reach(store: Store) -> None:
    async with store.read() as tx:
        await tx.conn.exec_driver_sql("SELECT 1")


async def pending(store: Store) -> str | None:
    """The revision this code wants, when the store is at another one; None when they agree."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    async with store.read() as tx:
        current = await tx.conn.run_sync(
            lambda connection: MigrationContext.configure(connection).get_current_revision()
        )
    return None if current == wanted else wanted
