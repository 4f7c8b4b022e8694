"""How many processes share a store: counted by PostgreSQL itself, which knows when one has died."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from sqlalchemy import text

from gateway.store.engine import APPLICATION, Tx

_COUNT = text(
    "SELECT count(DISTINCT application_name) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE :ours"
)


class Held(Exception):
    """Another process serves this file."""


async def processes(tx: Tx) -> int:
    """Processes with a connection, this one among them. SQLite is for one."""
    if tx.dialect == "sqlite":
        return 1
    number: int = (await tx.conn.execute(_COUNT, {"ours": f"{APPLICATION}%"})).scalar_one()
    return max(1, number)


def hold(file: Path) -> IO[bytes]:
    """Nobody else serves this SQLite file until what is returned is closed, or the process ends. Raise Held."""
    lock = file.with_name(f"{file.name}.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Held(str(file)) from error
    return lock
