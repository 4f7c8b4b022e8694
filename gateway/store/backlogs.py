"""What waits, by carrier: for those who look after them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, func, select

from gateway.store.engine import Tx
from gateway.store.queues import backlog
from gateway.store.tables import inbox, instant, outbox, polls, watches
from gateway.store.walk import firsts

#: As a range: SQLite finds what IS NOT NULL only by reading everything.
_EVER = instant(0)


async def pushes(tx: Tx) -> dict[str, int]:
    """Unread pushes by the row they came to."""
    return await _counted(tx, inbox.c.carrier, inbox.c.due_at > _EVER)


async def due_polls(tx: Tx, now: datetime) -> dict[str, int]:
    """Legs that should have been asked about by now, by carrier."""
    return {carrier: number for carrier, (number, _) in (await _late_polls(tx, now)).items()}


async def deeds(tx: Tx) -> dict[str, int]:
    """Deeds that are not done yet, by kind."""
    return await _counted(tx, outbox.c.kind, outbox.c.due_at > _EVER)


async def queues(tx: Tx, now: datetime) -> dict[str, tuple[int, datetime | None]]:
    """Each queue: how many rows are due, and since when the oldest has been."""
    found = {table.name: await backlog(tx, table, now) for table in (inbox, outbox, watches)}
    late = (await _late_polls(tx, now)).values()
    found["polls"] = (sum(number for number, _ in late), min((oldest for _, oldest in late), default=None))
    return found


async def _late_polls(tx: Tx, now: datetime) -> dict[str, tuple[int, datetime]]:
    """Carrier by carrier, as the index has them; those without one are absent."""
    found = {}
    for carrier in await firsts(tx, polls.c.carrier):
        due = select(func.count(), func.min(polls.c.due_at, type_=polls.c.due_at.type))
        row = (await tx.conn.execute(due.where(polls.c.carrier == carrier, polls.c.due_at <= now))).one()
        if row[0]:
            found[carrier] = (row[0], row[1])
    return found


async def _counted(tx: Tx, name: Column[Any], where: Any) -> dict[str, int]:
    found = select(name, func.count()).where(where).group_by(name)
    return {row[0]: row[1] for row in (await tx.conn.execute(found)).all()}
