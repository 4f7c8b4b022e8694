"""The inbox: raw pushes, kept before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, Row, delete, func, insert, literal, select, update

from gateway.store import queues
from gateway.store.engine import Tx
from gateway.store.tables import inbox
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
    """Keep pushes, due at once. Their ids, in the order given."""
    rows = [
        {
            "carrier": push.carrier,
            "received_at": push.received_at,
            "due_at": push.received_at,
            "request": push.request,
            "body": push.body,
            "state": WAITING,
            "fence": 0,
            "attempts": 0,
        }
        for push in pushes
    ]
    added = insert(inbox).returning(inbox.c.id, sort_by_parameter_order=True)
    return [row.id for row in (await tx.conn.execute(added, rows)).all()]


async def claim(tx: Tx, now: datetime, *, limit: int, lease: timedelta) -> list[Row[Any]]:
    """Pushes to be read, in the order they came."""
    rows = await queues.claim(tx, inbox, now=now, limit=limit, lease=lease)
    return sorted(rows, key=lambda row: int(row.id))


async def end(tx: Tx, row: Row[Any], state: str, reason: str | None = None) -> None:
    """Read, or quarantined with a reason. Raise LeaseLost."""
    await queues.finish(tx, inbox, row.id, row.fence, due_at=None, state=state, reason=_why(reason))


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


async def counts(tx: Tx) -> dict[str, int]:
    """How many pushes wait or are quarantined: for /metrics."""
    found = select(inbox.c.state, func.count()).where(inbox.c.state != READ).group_by(inbox.c.state)
    return {row[0]: row[1] for row in (await tx.conn.execute(found)).all()}


async def clean(tx: Tx, before: datetime) -> int:
    """Forget pushes that were read and came before; how many. Quarantined ones stay until they are read."""
    read = delete(inbox).where(inbox.c.state == READ, inbox.c.received_at < before)
    return (await tx.conn.execute(read)).rowcount


async def forget(tx: Tx, text: str) -> int:
    """Remove pushes that were read and hold this text (a tracking number): for erasing a person's data."""
    needle = literal(text.encode(), LargeBinary)
    found = func.instr(inbox.c.body, needle) if tx.dialect == "sqlite" else func.position(needle.op("IN")(inbox.c.body))
    return (await tx.conn.execute(delete(inbox).where(inbox.c.state == READ, found > 0))).rowcount
