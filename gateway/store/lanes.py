"""Lanes: dwell of parcels that arrived, and its quantiles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, tuple_

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


#: A shipment, its lane, its hours in each status, and when it arrived.
Sample = tuple[str, Lane, Mapping[str, float], datetime]


async def add_many(tx: Tx, samples: Iterable[Sample]) -> None:
    """How long parcels that arrived stood still in each status. Once per parcel: a repeat changes nothing."""
    rows = [
        {"shipment_id": shipment_id, "status": status, "hours": dwelt, "at": at, **asdict(lane)}
        for shipment_id, lane, hours, at in samples
        for status, dwelt in sorted(hours.items())
    ]
    if rows:
        await tx.conn.execute(insert(tx, dwells).on_conflict_do_nothing(), rows)


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


async def hours_of(tx: Tx, wanted: Collection[tuple[Lane, str]]) -> dict[tuple[Lane, str], float]:
    """What was learned of these lanes and statuses; absent while there is not enough of it."""
    if not wanted:
        return {}
    key = tuple_(lanes.c.carrier, lanes.c.origin, lanes.c.destination, lanes.c.service, lanes.c.status)
    found = select(lanes).where(key.in_([(*astuple(lane), status) for lane, status in wanted]))
    rows = (await tx.conn.execute(found)).all()
    return {(Lane(**{name: getattr(row, name) for name in Lane.__slots__}), row.status): row.hours for row in rows}
