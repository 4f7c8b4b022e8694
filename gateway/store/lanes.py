"""Lanes: dwell of parcels that arrived, and its quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from gateway.store.engine import Tx
from gateway.store.tables import dwells, lanes
from gateway.store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """origin, destination: lane ends ("CN-Guangdong"), "" where nothing is known."""

    carrier: str
    origin: str
    destination: str
    service: str


async def add(tx: Tx, shipment_id: str, lane: Lane, hours: Mapping[str, float], at: datetime) -> None:
    """How long a parcel that arrived stood still in each status. Once per parcel: a repeat changes nothing."""
    rows = [
        {"shipment_id": shipment_id, "status": status, "hours": dwelt, "at": at, **asdict(lane)}
        for status, dwelt in sorted(hours.items())
    ]
    if rows:
        await tx.conn.execute(insert(tx, dwells).values(rows).on_conflict_do_nothing())


async def learn(tx: Tx, *, quantile: float, min_samples: int, since: datetime) -> int:
    """Forget what is older than `since`, and learn anew what the rest says. How many lanes and statuses have enough.

    Of n dwells in order, the one at place 1 + (n - 1) * quantile, rounded down; the quantile counts in thousandths.
    """
    await tx.conn.execute(delete(dwells).where(dwells.c.at < since))
    lane = [dwells.c[column.name] for column in lanes.primary_key.columns]
    place = func.row_number().over(partition_by=lane, order_by=dwells.c.hours).label("place")
    number = func.count().over(partition_by=lane).label("samples")
    placed = select(*lane, dwells.c.hours, place, number).subquery()
    wanted = (placed.c.samples - 1) * round(quantile * 1000) // 1000 + 1
    found = select(placed).where(placed.c.samples >= min_samples, placed.c.place == wanted)
    rows = [{name: row._mapping[name] for name in lanes.c.keys()} for row in (await tx.conn.execute(found)).all()]  # noqa: SIM118
    await tx.conn.execute(delete(lanes))
    if rows:
        await tx.conn.execute(insert(tx, lanes), rows)
    return len(rows)


async def hours_of(tx: Tx, lane: Lane, status: str) -> float | None:
    """What was learned; None while there is not enough of it."""
    where: list[Any] = [lanes.c[name] == value for name, value in asdict(lane).items()]
    found: float | None = (
        await tx.conn.execute(select(lanes.c.hours).where(*where, lanes.c.status == status))
    ).scalar_one_or_none()
    return found
