"""Column types that mean the same on both stores, and what every table is made with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData()
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
#: Microseconds since 1970 that a float of seconds still tells apart: until 2112.
_EXACT = 1 << 52
Serial = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC. A naive one is refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:
        return _instant  # as `process_result_value`, with a call less: there are many in every row


class Json(TypeDecorator[Any]):
    """A JSON value as compact text, the same on both stores."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else compact(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: Any) -> str:
    """JSON as `Json` keeps it."""
    text = _text(value)
    # Half a surrogate pair (a header of raw bytes) has no UTF-8: escaped, it comes back as it was.
    return text if _encodable(text) else json.dumps(value, separators=(",", ":"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    if at.tzinfo is None:
        raise ValueError("a stored time needs an offset")
    delta = at - _FIRST
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(value: int, zone: timezone = UTC) -> datetime:
    """The time of `micros`, on the clocks of a zone."""
    if 0 <= value < _EXACT:  # nearly always, and twice as fast
        return datetime.fromtimestamp(value / 1_000_000, zone)
    return (_FIRST + timedelta(microseconds=value)).astimezone(zone)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def only(flag: str) -> dict[str, Any]:
    """Of an index over the rows where a flag is set, in the words in which SQLAlchemy asks for them."""
    return {"sqlite_where": text(f"{flag} = 1"), "postgresql_where": text(flag)}


def told(column: str) -> dict[str, Any]:
    """Of an index over the rows in which a column is told at all: nobody looks for the others."""
    where = text(f"{column} IS NOT NULL")
    return {"sqlite_where": where, "postgresql_where": where}


def queue() -> tuple[Column[Any], ...]:
    """The two columns of a queue, see gateway.store.queues."""
    return (Column("due_at", Instant), Column("fence", Integer, nullable=False, default=0))
