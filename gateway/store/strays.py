"""Scans of numbers that nobody has registered yet: carriers are often faster than order systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from gateway.rules.history import Held
from gateway.store.engine import Tx
from gateway.store.history import encode
from gateway.store.tables import strays


async def add(
    tx: Tx, *, carrier: str, company: str | None, number: str, history: Sequence[Held], at: datetime, until: datetime
) -> None:
    """carrier: the row that heard it; company: the alias it named, None for a parcel of its own."""
    values = {"carrier": carrier, "company": company, "tracking_number": number, "scans": encode(history)}
    await tx.conn.execute(insert(strays).values(**values, received_at=at, expires_at=until))


async def of_number(tx: Tx, number: str) -> list[Row[Any]]:
    """What waits for a number, whichever carrier it is of."""
    found = select(strays).where(strays.c.tracking_number == number).order_by(strays.c.id)
    return list((await tx.conn.execute(found)).all())


async def remove(tx: Tx, ids: Sequence[int]) -> None:
    if ids:
        await tx.conn.execute(delete(strays).where(strays.c.id.in_(ids)))
