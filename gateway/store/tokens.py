"""Access tokens that processes share: sealed by whoever writes them, fetched by one holder at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update

from gateway.store.engine import Tx
from gateway.store.tables import tokens
from gateway.store.upsert import insert


async def kept(tx: Tx, name: str) -> bytes | None:
    sealed: bytes | None = (await tx.conn.execute(select(tokens.c.sealed).where(tokens.c.name == name))).scalar()
    return sealed


async def claim(tx: Tx, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Whether it is ours to fetch until then. One who died holds it no longer than he said."""
    values = {"holder": holder, "held_until": until}
    free = or_(tokens.c.held_until.is_(None), tokens.c.held_until < now)
    added = insert(tx, tokens).values(name=name, **values)
    upserted = added.on_conflict_do_update(index_elements=["name"], set_=values, where=free)
    return (await tx.conn.execute(upserted)).rowcount == 1


async def release(tx: Tx, name: str, holder: str, sealed: bytes | None = None) -> None:
    """Ours no longer; with what was fetched, if it was."""
    values = {"holder": None, "held_until": None} | ({"sealed": sealed} if sealed is not None else {})
    await tx.conn.execute(update(tokens).where(tokens.c.name == name, tokens.c.holder == holder).values(**values))
