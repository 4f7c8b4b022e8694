"""Versions of the documents operators edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.store.engine import Tx
from gateway.store.tables import configs
from gateway.store.upsert import insert_new


async def newest(tx: Tx, name: str) -> Row[Any] | None:
    found = select(configs).where(configs.c.name == name).order_by(configs.c.version.desc()).limit(1)
    return (await tx.conn.execute(found)).one_or_none()


async def history(tx: Tx, name: str, *, limit: int = 50) -> list[Row[Any]]:
    """Newest first."""
    found = select(configs).where(configs.c.name == name).order_by(configs.c.version.desc()).limit(limit)
    return list((await tx.conn.execute(found)).all())


async def add(tx: Tx, name: str, version: int, *, author: str, at: datetime, document: Any, diff: str) -> bool:
    """False when this version is there already: somebody was quicker."""
    values = {"name": name, "version": version, "author": author, "at": at, "document": document, "diff": diff}
    return await insert_new(tx, configs, values)
