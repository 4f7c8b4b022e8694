"""Bring a store to the newest schema (Alembic). Forward only.

Alembic is imported when there is something to bring forward: nearly every start finds the schema as it should be, and
is quicker and smaller without it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from gateway.store.away import StoreRefused
from gateway.store.deadline import LONG
from gateway.store.engine import CannotOpen, Store, Tx
from gateway.store.tables import metadata

_SCRIPTS = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """Every schema this code can bring forward, the first one first: files of migrations begin with their revision."""
    return sorted(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


def newest() -> str:
    return revisions()[-1]


def known(schema: str) -> bool:
    return schema in revisions()


async def alone(tx: Tx) -> None:
    """No other process starts until this transaction ends."""
    if tx.dialect == "postgresql":
        await tx.conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7283411905)")


async def upgrade(store: Store, to: str = "head") -> None:
    """Apply what is missing, in one transaction. Two processes that start together wait for each other.

    Raise CannotOpen when the database does not let us in, or has a schema that this code does not know; StoreAway when
    it cannot be reached.
    """
    try:
        await _reach(store)
    except StoreRefused as error:
        raise CannotOpen(f"the database does not answer: {error}") from error
    async with store.write(within=LONG) as tx:
        await alone(tx)
        await bring(tx, to)


async def bring(tx: Tx, to: str = "head") -> None:
    """The schema forward to this revision. Raise CannotOpen when it is one that this code does not know."""
    current = await revision(tx)
    if current is not None and not known(current):
        raise CannotOpen(
            f"its schema {current} was made by a newer gateway; this version knows up to {newest()} and changed nothing"
        )
    if current != (newest() if to == "head" else to):
        await tx.conn.run_sync(_bring, to)


def _bring(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


async def begin_anew(tx: Tx, schema: str) -> None:
    """Put the tables away, which are empty, and make those of another revision."""
    await tx.conn.run_sync(metadata.drop_all)
    await tx.conn.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    await bring(tx, schema)


async def _reach(store: Store) -> None:
    async with store.read() as tx:
        await tx.conn.exec_driver_sql("SELECT 1")


async def revision(tx: Tx) -> str | None:
    """The schema of the store, None when it has none yet."""
    if not await tx.conn.run_sync(lambda connection: inspect(connection).has_table("alembic_version")):
        return None
    found: str | None = (await tx.conn.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


async def pending(store: Store) -> str | None:
    """The revision this code wants, when the store is at another one; None when they agree."""
    wanted = newest()
    async with store.read() as tx:
        current = await revision(tx)
    return None if current == wanted else wanted
