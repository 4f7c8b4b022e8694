"""What tells that the store is away, apart from what tells that a statement is wrong."""

from __future__ import annotations

import sqlite3

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError

#: SQLSTATE: the line broke, the server is stopping or starting, it has no connection left.
_AWAY = ("08", "57P01", "57P02", "57P03", "53300")
_SQLITE_AWAY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR")


class StoreAway(Exception):
    """The store cannot be reached now, or the connection broke. Nothing that was not committed is there; whether a
    commit that was under way took place is not known. retry_after: seconds."""

    retry_after = 5


class StoreRefused(StoreAway):
    """The server is there and does not let us in: database, user or password."""


#: What a statement raises: by SQLAlchemy, or by the driver itself where it was not asked through SQLAlchemy.
BROKEN = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, sqlite3.Error)


def is_away(error: Exception) -> bool:
    """Whether an error of a statement tells of the store and not of the statement."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    said = getattr(error, "orig", None) or error
    if isinstance(said, asyncpg.InternalClientError):  # a statement was cut off, and the connection knows no way on
        return True
    if isinstance(said, asyncpg.InterfaceError):
        return "connection is closed" in str(said)
    sqlstate = getattr(said, "sqlstate", None) or ""
    return sqlstate.startswith(_AWAY) or getattr(said, "sqlite_errorname", "").startswith(_SQLITE_AWAY)


def words(error: Exception) -> str:
    """What the server or the line said, in one line without SQL."""
    said = str(getattr(error, "orig", None) or error) or type(error).__name__
    return said.splitlines()[0].rpartition(">: ")[2]
