"""`gateway export | import | backup`: a store into a file, and back into one of either kind."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
import time
from pathlib import Path

from gateway.app import CannotStart, known_secret
from gateway.settings import Environment
from gateway.store.archive_reader import BadArchive
from gateway.store.backup import CannotBackUp, backup
from gateway.store.engine import Store, connect
from gateway.store.export import export
from gateway.store.load import CannotLoad, load
from gateway.store.migrate import newest, pending


async def write_export(environment: Environment, path: Path) -> int:
    """While a gateway serves or not. Raise CannotStart, CannotOpen, StoreAway."""
    store = _existing(environment)
    try:
        if await pending(store) is not None:
            raise CannotStart(f"the database is not at schema {newest()}: run `gateway migrate` first")
        counts = await export(store, path, secret=_fingerprint(environment, store), told=_Rows("export"))
    except OSError as error:
        raise CannotStart(f"{path}: {error.strerror}") from error
    finally:
        await store.close()
    return _say(f"{path}: {sum(counts.values()):,} rows of {len(counts)} tables, {_size(path):,} bytes")


async def read_import(environment: Environment, path: Path) -> int:
    """Into an empty store that nobody uses. Raise CannotStart, CannotOpen, StoreAway."""
    store = connect(environment.database_url)
    try:
        head = await load(store, path, secret=_fingerprint(environment, store), told=_Rows("import"))
    except (CannotLoad, BadArchive) as error:
        raise CannotStart(str(error)) from error
    finally:
        await store.close()
    return _say(f"{path}: {sum(head.tables.values()):,} rows of {head.at} are in, from {head.source}")


async def write_backup(environment: Environment, path: Path) -> int:
    """Raise CannotStart."""
    store = connect(environment.database_url)
    await store.close()
    if store.file is None:
        raise CannotStart("gateway backup is for SQLite files; PostgreSQL has its own: pg_dump --format=custom")
    told = _Rows("backup")
    try:
        size = await asyncio.to_thread(backup, store.file, path, told=lambda done, of: told("pages", done, of))
    except CannotBackUp as error:
        raise CannotStart(str(error)) from error
    return _say(f"{path}: {size:,} bytes, checked")


def _existing(environment: Environment) -> Store:
    """Connecting to a SQLite file that is not there would make one."""
    store = connect(environment.database_url)
    if store.file is not None and not store.file.exists():
        raise CannotStart(f"GATEWAY_DATABASE_URL: there is no database at {store.file}")
    return store


def _fingerprint(environment: Environment, store: Store) -> str | None:
    """Tells whether two stores have the same secret key, and nothing else of it."""
    secret = known_secret(environment, store)
    return None if secret is None else hmac.new(secret, b"export", hashlib.sha256).hexdigest()[:16]


def _size(path: Path) -> int:
    return path.stat().st_size


class _Rows:
    """Progress on stderr, at most once a second."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + 1

    def __call__(self, table: str, done: int, of: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            print(f"{self._what}: {table} {done:,} of {of:,}", file=sys.stderr, flush=True)  # noqa: T201


def _say(text: str) -> int:
    print(text, flush=True)  # noqa: T201 - the command line speaks to people
    return 0
