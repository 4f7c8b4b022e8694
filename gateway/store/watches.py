"""The schedule of looks at shipments: when the clock shall judge them next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from gateway.store import queues
from gateway.store.engine import Tx
from gateway.store.tables import watches
from gateway.store.upsert import insert


async def schedule(tx: Tx, shipment_id: str, due_at: datetime | None) -> None:
    """Look at this shipment then (None: not again until something changes)."""
    added = insert(tx, watches).values(shipment_id=shipment_id, due_at=due_at, fence=0)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["shipment_id"], set_={"due_at": due_at}))


async def claim(tx: Tx, now: datetime, *, limit: int, lease: timedelta) -> list[Row[Any]]:
    """Shipments to be looked at: shipment_id, fence."""
    return await queues.claim(tx, watches, now=now, limit=limit, lease=lease)


async def end(tx: Tx, row: Row[Any], due_at: datetime | None) -> None:
    """The end of a look. Raise LeaseLost."""
    await queues.finish(tx, watches, row.shipment_id, row.fence, due_at=due_at)


async def of_shipment(tx: Tx, shipment_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(watches).where(watches.c.shipment_id == shipment_id))).one_or_none()
