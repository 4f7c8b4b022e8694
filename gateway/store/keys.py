"""API keys: only their hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from gateway.store.engine import Tx
from gateway.store.tables import keys


async def add(tx: Tx, key_id: str, digest: str, *, role: str, label: str, now: datetime) -> None:
    await tx.conn.execute(insert(keys).values(id=key_id, hash=digest, role=role, label=label, created_at=now))


async def by_hash(tx: Tx, digest: str) -> Row[Any] | None:
    """The key with this hash, unless it was revoked."""
    found = select(keys).where(keys.c.hash == digest, keys.c.revoked_at.is_(None))
    return (await tx.conn.execute(found)).one_or_none()


async def known(tx: Tx, digest: str) -> bool:
    """Whether there is, or was, a key with this hash: one that was revoked stays revoked."""
    return (await tx.conn.execute(select(keys.c.id).where(keys.c.hash == digest))).one_or_none() is not None


async def listing(tx: Tx) -> Sequence[Row[Any]]:
    return (await tx.conn.execute(select(keys).order_by(keys.c.created_at, keys.c.id))).all()


async def revoke(tx: Tx, key_id: str, now: datetime) -> Row[Any] | None:
    """The revoked key; None when there is no such live key."""
    statement = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
    revoked: Row[Any] | None = (await tx.conn.execute(statement.values(revoked_at=now).returning(keys))).one_or_none()
    return revoked


async def any_admin(tx: Tx) -> bool:
    found = select(keys.c.id).where(keys.c.role == "admin", keys.c.revoked_at.is_(None)).limit(1)
    return (await tx.conn.execute(found)).one_or_none() is not None
