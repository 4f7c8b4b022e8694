"""First answers, kept under the caller's Idempotency-Key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from gateway.store.engine import Tx
from gateway.store.tables import idempotency
from gateway.store.upsert import insert_new


async def begin(tx: Tx, key: str, body_hash: str, now: datetime, *, abandoned: datetime) -> Row[Any] | None:
    """Reserve the key: None when it is ours to answer, else the row of the call that had it first.

    abandoned: a first call that began before this and has not ended never will; the same call again takes its place.
    """
    if await insert_new(tx, idempotency, {"key": key, "body_hash": body_hash, "at": now}):
        return None
    same = (idempotency.c.key == key, idempotency.c.body_hash == body_hash)
    dead = (idempotency.c.status.is_(None), idempotency.c.at < abandoned)
    if (await tx.conn.execute(update(idempotency).where(*same, *dead).values(at=now))).rowcount:
        return None
    return (await tx.conn.execute(select(idempotency).where(idempotency.c.key == key))).one_or_none()


async def answer(tx: Tx, key: str, status: int, body: bytes) -> None:
    await tx.conn.execute(update(idempotency).where(idempotency.c.key == key).values(status=status, answer=body))


async def forget(tx: Tx, key: str) -> None:
    """The call failed before it did anything: the next may try."""
    await tx.conn.execute(delete(idempotency).where(idempotency.c.key == key, idempotency.c.status.is_(None)))
