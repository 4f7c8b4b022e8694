"""Who changed what, when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from gateway.store.engine import Tx
from gateway.store.tables import audit


async def add(tx: Tx, at: datetime, who: str, what: str, subject: str, detail: Any = None) -> None:
    """who: the key's label or "gateway"; what: like "policy.write"; subject: the id or name it was done to."""
    await tx.conn.execute(insert(audit).values(at=at, who=who, what=what, subject=subject, detail=detail))


async def listing(tx: Tx, *, limit: int, before: int | None = None) -> list[Row[Any]]:
    """Newest first, below the id `before`."""
    found = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(audit.c.id < before)
    return list((await tx.conn.execute(found)).all())
