"""One door to either store: `read` and `write` transactions, and what happens after a commit.

SQLite allows one writer: within the process writers queue on a lock, between processes on SQLite's own (BEGIN IMMEDIATE
with a busy timeout). A commit is durable when it returns (synchronous=FULL, and fsync on in PostgreSQL).

A store that cannot be reached (a restart, a failover) is waited for a little, then every transaction raises StoreAway.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.store.away import StoreAway, StoreRefused, is_away, words

log = logging.getLogger(__name__)

#: What PostgreSQL knows our connections by: the name, and which process of ours.
APPLICATION = "gateway "
_BUSY_MS = 15_000
#: Seconds a transaction waits for a store that cannot be reached, and between two tries.
_PATIENCE, _PAUSE = 2.0, 0.1
#: Seconds for one connection to be made.
_CONNECT_SECONDS = 5
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class CannotOpen(ValueError):
    """The database of GATEWAY_DATABASE_URL cannot be used. Says why, without the password."""


class Tx:
    """A transaction. SQL is spoken only inside gateway.store, over `conn`."""

    def __init__(self, conn: AsyncConnection, dialect: str) -> None:
        self.conn = conn
        self.dialect = dialect
        self._after: list[Callable[[], None]] = []

    def after_commit(self, deed: Callable[[], None]) -> None:
        """Run when, and only if, this transaction was committed: cache invalidation, live updates, waking a worker."""
        self._after.append(deed)

    def committed(self) -> None:
        for deed in self._after:
            deed()


class Store:
    """The database behind an engine. Make one with `connect`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        database = engine.url.database
        #: the folder of the SQLite file; None for another store
        self.folder = Path(database).parent if self.dialect == "sqlite" and database else None
        #: the SQLite file itself
        self.file = Path(database) if self.folder is not None and database and database != ":memory:" else None
        self._writer = asyncio.Lock()
        self._away = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A transaction that only reads. Raise StoreAway."""
        async with self._connected() as conn:
            yield Tx(conn, self.dialect)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that is committed at the end, or rolled back if the block raises. Never nest two.

        Raise StoreAway.
        """
        async with AsyncExitStack() as stack:
            if self.dialect == "sqlite":
                await stack.enter_async_context(self._writer)
            conn = await stack.enter_async_context(self._connected())
            await conn.execution_options(gateway_write=True)
            tx = Tx(conn, self.dialect)
            async with conn.begin():
                yield tx
        tx.committed()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection; what tells that it broke is raised as StoreAway."""
        async with AsyncExitStack() as stack:
            try:
                yield await self._connect(stack)
            except DBAPIError as error:
                if not is_away(error):
                    raise
                raise self._lost(error) from error

    async def _connect(self, stack: AsyncExitStack) -> AsyncConnection:
        """Nothing was said yet, so trying again is harmless."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                conn = await stack.enter_async_context(self.engine.connect())
            except PoolExhausted as error:
                raise StoreAway("every connection is in use") from error
            except (DBAPIError, OSError) as error:
                if isinstance(error, DBAPIError) and not is_away(error):
                    raise StoreRefused(words(error)) from error
                away = self._lost(error)
                if time.monotonic() > deadline:
                    raise away from error
                await asyncio.sleep(_PAUSE)
            else:
                self._found()
                return conn

    def _lost(self, error: Exception) -> StoreAway:
        if not self._away:
            log.warning("the store is away: %s", words(error))
        self._away = True
        return StoreAway(words(error))

    def _found(self) -> None:
        if self._away:
            log.warning("the store is back")
        self._away = False

    async def close(self) -> None:
        await self.engine.dispose()


def normal_url(url: str) -> URL:
    """The URL with the driver we use. Raise CannotOpen for another database, or what is no URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise CannotOpen("not a URL like sqlite:///var/gateway.db or postgresql://user@host/name") from error
    backend = parsed.drivername.split("+")[0]
    if backend not in _DRIVERS:
        raise CannotOpen(f"{backend} is not supported; use sqlite or postgresql")
    return parsed.set(drivername=_DRIVERS[backend])


def connect(url: str, *, pool: int = 8) -> Store:
    """A store on sqlite:///path/to.db (its folder is made) or postgresql://user:password@host/name.

    Raise CannotOpen.
    """
    parsed = normal_url(url)
    if parsed.drivername.startswith("postgresql"):
        settings = {"application_name": f"{APPLICATION}{os.getpid()} {secrets.token_hex(4)}"}
        arguments = {"server_settings": settings, "timeout": _CONNECT_SECONDS}
        return Store(
            create_async_engine(parsed, pool_size=pool, max_overflow=pool, pool_pre_ping=True, connect_args=arguments)
        )
    if parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotOpen(f"{error.filename}: {error.strerror}") from error
    engine = create_async_engine(parsed, pool_size=pool, max_overflow=pool)
    event.listen(engine.sync_engine, "connect", _sqlite_connected)
    event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return Store(engine)


def _sqlite_connected(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours, see below
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_MS}",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("gateway_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
