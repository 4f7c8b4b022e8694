"""What waits, by carrier: for those who look after them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, func, select

from gateway.store.engine import Tx
from gateway.store.tables import inbox, outbox, polls


async def pushes(tx: Tx) -> dict[str, int]:
    """Unread pushes by the row they came to."""
    return await _counted(tx, inbox.c.carrier, inbox.c.due_at.is_not(None))


async def due_polls(tx: Tx, now: datetime) -> dict[str, int]:
    """Legs that should have been asked about by now, by carrier."""
    return await _counted(tx, polls.c.carrier, polls.c.due_at <= now)


async def deeds(tx: Tx) -> dict[str, int]:
    """Deeds that are not done yet, by kind."""
    return await _counted(tx, outbox.c.kind, outbox.c.due_at.is_not(None))


async def _counted(tx: Tx, name: Column[Any], where: Any) -> dict[str, int]:
    found = select(name, func.count()).where(where).group_by(name)
    return {row[0]: row[1] for row in (await tx.conn.execute(found)).all()}
