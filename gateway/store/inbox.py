"""The inbox: raw pushes, kept before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, Row, delete, func, literal, select, update

from gateway.store import bulk, queues
from gateway.store.engine import Tx
from gateway.store.tables import compact, inbox, micros
from gateway.store.text import storable

WAITING, READ, QUARANTINED = "waiting", "read", "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A push as it came. request: method, path, query, headers, token."""

    carrier: str
    received_at: datetime
    request: dict[str, Any]
    body: bytes


async def add(tx: Tx, pushes: Sequence[Raw]) -> list[int]:
    """Keep pushes, due at once. Their ids, in the order given.

    One statement for all, past the compiler: a push waits for it before it is answered (docs/performance.md).
    """
    if not pushes:
        return []
    rows = [_row(push) for push in pushes]
    return await (_add_sqlite(tx, rows) if tx.dialect == "sqlite" else _add_postgresql(tx, rows))


def _row(push: Raw) -> tuple[str, int, str, bytes]:
    return push.carrier, micros(push.received_at), compact(push.request), push.body


_COLUMNS = "carrier, received_at, due_at, request, body, state, fence, attempts"
_ADD_SQLITE = f"INSERT INTO inbox ({_COLUMNS}) VALUES (?1, ?2, ?2, ?3, ?4, '{WAITING}', 0, 0)"  # noqa: S608 - constants
_ADD_POSTGRESQL = f"""INSERT INTO inbox ({_COLUMNS})
SELECT carrier, at, at, request, body, '{WAITING}', 0, 0
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[]) WITH ORDINALITY AS push (carrier, at, request, body, n)
ORDER BY n RETURNING id"""  # noqa: S608 - constants


async def _add_sqlite(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    """AUTOINCREMENT counts on by one within a transaction, for there is no other writer."""
    await tx.conn.exec_driver_sql(_ADD_SQLITE, list(rows))
    last: int = (await tx.conn.exec_driver_sql("SELECT last_insert_rowid()")).scalar_one()
    return list(range(last - len(rows) + 1, last + 1))


async def _add_postgresql(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    """Ids are drawn in the order of the SELECT; in which order they are returned is not promised."""
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return sorted((await tx.conn.exec_driver_sql(_ADD_POSTGRESQL, columns)).scalars())


async def claim(tx: Tx, now: datetime, *, limit: int, lease: timedelta) -> list[Row[Any]]:
    """Pushes to be read, in the order they came."""
    rows = await queues.claim(tx, inbox, now=now, limit=limit, lease=lease)
    return sorted(rows, key=lambda row: int(row.id))


async def end(tx: Tx, row: Row[Any], state: str, reason: str | None = None) -> None:
    """Read, or quarantined with a reason. Raise LeaseLost."""
    await queues.finish(tx, inbox, row.id, row.fence, due_at=None, state=state, reason=_why(reason))


async def end_read(tx: Tx, rows: Sequence[Row[Any]]) -> None:
    """`end` as read for many, with one statement. Raise LeaseLost if one of them was lost; then none may be kept."""
    ended = await bulk.run_many(tx, _READ_SQLITE, _READ_POSTGRESQL, [(row.id, row.fence) for row in rows])
    if ended != len(rows):
        raise queues.LeaseLost(f"inbox: {len(rows) - ended} of {len(rows)} pushes")


_DONE = f"due_at = NULL, state = '{READ}', reason = NULL"
_READ_SQLITE = f"UPDATE inbox SET {_DONE} WHERE id = ?1 AND fence = ?2"  # noqa: S608 - constants
_READ_POSTGRESQL = f"""UPDATE inbox SET {_DONE} FROM unnest($1::bigint[], $2::int[]) AS held (id, fence)
WHERE inbox.id = held.id AND inbox.fence = held.fence"""  # noqa: S608 - constants


async def again(tx: Tx, row: Row[Any], due_at: datetime, reason: str) -> None:
    """Read it later, one attempt more. Raise LeaseLost."""
    await queues.finish(tx, inbox, row.id, row.fence, due_at=due_at, attempts=row.attempts + 1, reason=_why(reason))


def _why(reason: str | None) -> str | None:
    return None if reason is None else storable(reason)[:1000]


async def get(tx: Tx, inbox_id: int) -> Row[Any] | None:
    return (await tx.conn.execute(select(inbox).where(inbox.c.id == inbox_id))).one_or_none()


async def settle(tx: Tx, inbox_id: int, state: str, reason: str | None = None) -> None:
    """The end of a replay, whoever holds the row: reading twice is harmless."""
    ended = {"state": state, "reason": _why(reason), "due_at": None, "fence": inbox.c.fence + 1}
    await tx.conn.execute(update(inbox).where(inbox.c.id == inbox_id).values(**ended))


async def listing(
    tx: Tx, *, state: str | None = None, carrier: str | None = None, limit: int, before: int | None = None
) -> list[Any]:
    """Newest first, below the id `before`; the body stays where it is, `bytes` says how large it is."""
    columns = (inbox.c.id, inbox.c.carrier, inbox.c.received_at, inbox.c.state, inbox.c.reason, inbox.c.attempts)
    found = select(*columns, func.length(inbox.c.body).label("bytes")).order_by(inbox.c.id.desc()).limit(limit)
    given = {inbox.c.state: state, inbox.c.carrier: carrier}
    found = found.where(*(column == value for column, value in given.items() if value is not None))
    if before is not None:
        found = found.where(inbox.c.id < before)
    return list((await tx.conn.execute(found)).all())


async def unread_since(tx: Tx) -> datetime | None:
    """When the oldest push came that is still to be read; None: all were read."""
    oldest = select(func.min(inbox.c.received_at)).where(inbox.c.due_at.is_not(None))
    found: datetime | None = (await tx.conn.execute(oldest)).scalar_one()
    return found


async def counts(tx: Tx) -> dict[str, int]:
    """How many pushes wait or are quarantined: for /metrics."""
    found = select(inbox.c.state, func.count()).where(inbox.c.state.in_((WAITING, QUARANTINED))).group_by(inbox.c.state)
    return {row[0]: row[1] for row in (await tx.conn.execute(found)).all()}


async def forget(tx: Tx, text: str) -> int:
    """Remove pushes that were read and hold this text (a tracking number): for erasing a person's data."""
    needle = literal(text.encode(), LargeBinary)
    found = func.instr(inbox.c.body, needle) if tx.dialect == "sqlite" else func.position(needle.op("IN")(inbox.c.body))
    return (await tx.conn.execute(delete(inbox).where(inbox.c.state == READ, found > 0))).rowcount
