"""One door to either store: `read` and `write` transactions, and what happens after a commit.

SQLite allows one writer: within the process writers queue on a lock, between processes on SQLite's own (BEGIN IMMEDIATE
with a busy timeout). A commit is durable when it returns (synchronous=FULL, and fsync on in PostgreSQL).

A store that cannot be reached (a restart, a failover) is waited for a little, then every transaction raises StoreAway.
While it is known to be away one transaction at a time tries to reach it, and one that hangs is given up (`deadline`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.store.away import BROKEN, StoreAway, StoreRefused, is_away, words
from gateway.store.deadline import Deadlines

log = logging.getLogger(__name__)

#: What PostgreSQL knows our connections by: the name, and which process of ours.
APPLICATION = "gateway "
_BUSY_MS = 15_000
#: Pages in the write-ahead log (16 MiB) before they are moved to the database: some batches of pushes.
_CHECKPOINT_PAGES = 4000
#: Seconds a transaction waits for a store that cannot be reached, and between two tries.
_PATIENCE, _PAUSE = 2.0, 0.1
#: Seconds to wait for one of the pool's connections while all are in use.
_POOL_SECONDS = 5
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

    def __init__(self, engine: AsyncEngine, deadlines: Deadlines | None = None) -> None:
        self.engine = engine
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        database = engine.url.database
        #: the folder of the SQLite file; None for another store
        self.folder = Path(database).parent if self.dialect == "sqlite" and database else None
        #: the SQLite file itself
        self.file = Path(database) if self.folder is not None and database and database != ":memory:" else None
        self._deadlines = deadlines
        self._writer = asyncio.Lock()
        self._trying = asyncio.Lock()
        self._away: str | None = None
        self._closing: list[Callable[[], Awaitable[None]]] = []

    @asynccontextmanager
    async def read(self, *, within: float | None = None) -> AsyncIterator[Tx]:
        """A transaction that only reads. within: seconds, else deadline.WITHIN (SQLite: no end). Raise StoreAway."""
        async with self._connected(within) as conn:
            yield Tx(conn, self.dialect)

    @asynccontextmanager
    async def write(self, *, within: float | None = None) -> AsyncIterator[Tx]:
        """A transaction that is committed at the end, or rolled back if the block raises. Never nest two.

        within: as for `read`. Raise StoreAway.
        """
        async with AsyncExitStack() as stack:
            if self.dialect == "sqlite":
                await stack.enter_async_context(self._writer)
            conn = await stack.enter_async_context(self._connected(within))
            await conn.execution_options(gateway_write=True)
            tx = Tx(conn, self.dialect)
            async with conn.begin():
                yield tx
            self._found()  # what was written is the proof: a full disk can still be read
        tx.committed()

    @asynccontextmanager
    async def _connected(self, within: float | None) -> AsyncIterator[AsyncConnection]:
        """A connection; what tells that it broke is raised as StoreAway."""
        try:
            async with AsyncExitStack() as stack:  # inside: giving it back says ROLLBACK, which can fail as well
                conn = await self._connect(stack)
                if within is not None and self._deadlines is not None:
                    self._deadlines.start((await conn.get_raw_connection()).driver_connection, within)
                yield conn
        except BROKEN as error:
            if not is_away(error):
                raise
            raise self._lost(error) from error

    async def _connect(self, stack: AsyncExitStack) -> AsyncConnection:
        """Nothing was said yet, so trying again is harmless."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            try:
                async with self._turn(until):
                    return await self._enter(stack)
            except PoolExhausted as error:
                raise StoreAway("every connection is in use") from error
            except (*BROKEN, OSError) as error:
                if isinstance(error, BROKEN) and not is_away(error):
                    raise StoreRefused(words(error)) from error
                away = self._lost(error)
                if asyncio.get_running_loop().time() > until:
                    raise away from error
                await asyncio.sleep(_PAUSE)

    @asynccontextmanager
    async def _turn(self, until: float) -> AsyncIterator[None]:
        """While a server is known to be away one tries at a time. The others wait for it a little: raise StoreAway."""
        if self._away is None or self.dialect == "sqlite":
            yield
            return
        try:
            async with asyncio.timeout_at(until):
                await self._trying.acquire()
        except TimeoutError as error:
            raise StoreAway(self._away or "it has just come back") from error
        try:
            yield
        finally:
            self._trying.release()

    async def _enter(self, stack: AsyncExitStack) -> AsyncConnection:
        """A connection that the stack closes. One that was away is asked, too: that it lets us in says little."""
        async with AsyncExitStack() as own:
            conn = await own.enter_async_context(self.engine.connect())
            if self._away is not None and self.dialect == "postgresql":
                await conn.exec_driver_sql("SELECT 1")
                await conn.rollback()
                self._found()
            stack.push_async_exit(own.pop_all().__aexit__)
            return conn

    def _lost(self, error: Exception) -> StoreAway:
        if self._away is None:
            log.warning("the store is away: %s", words(error))
        self._away = words(error)
        return StoreAway(self._away)

    def _found(self) -> None:
        if self._away is not None:
            log.warning("the store is back")
        self._away = None

    def on_close(self, deed: Callable[[], Awaitable[None]]) -> None:
        """What holds a connection for longer lets go of it then."""
        self._closing.append(deed)

    async def close(self) -> None:
        for deed in self._closing:
            await deed()
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
        deadlines = Deadlines()
        arguments = {"server_settings": settings, "async_creator_fn": deadlines.made}
        engine = create_async_engine(
            parsed,
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=_POOL_SECONDS,
            pool_use_lifo=True,  # the last one used has its statements prepared
            connect_args=arguments,
        )
        deadlines.watch(engine)
        return Store(engine, deadlines)
    if parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotOpen(f"{error.filename}: {error.strerror}") from error
    # The last one used is used again: it has pages in its cache, which another connection's writes would make it drop.
    engine = create_async_engine(parsed, pool_size=pool, max_overflow=pool, pool_use_lifo=True)
    event.listen(engine.sync_engine, "connect", _sqlite_connected)
    event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return Store(engine)


def _sqlite_connected(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours, see below
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        f"busy_timeout={_BUSY_MS}",
        "foreign_keys=ON",
        "cache_size=-4096",  # of each connection; what lies beyond is in the system's own cache
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("gateway_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
