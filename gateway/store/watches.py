"""The schedule of looks at shipments: when the clock shall judge them next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.store import bulk, queues
from gateway.store.engine import Tx
from gateway.store.tables import instant, micros, watches
from gateway.store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A shipment that was due, and under which fence it is ours."""

    shipment_id: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What tells at a glance whether all is well with a shipment: columns of it and of its current leg.

    opened_at: of that leg, None when there is no such shipment. troubled: a case of it is open.
    """

    shipment_id: str
    fence: int
    status: str
    progress_at: datetime | None
    promised_at: datetime | None
    origin: str
    destination: str
    service: str
    stalled: bool
    late: bool
    watching: bool
    carrier: str
    opened_at: datetime | None
    polled_at: datetime | None
    heard_at: datetime | None
    troubled: bool


async def schedule(tx: Tx, shipment_id: str, due_at: datetime | None) -> None:
    """Look at this shipment then (None: not again until something changes)."""
    added = insert(tx, watches).values(shipment_id=shipment_id, due_at=due_at, fence=0)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["shipment_id"], set_={"due_at": due_at}))


async def schedule_many(tx: Tx, looks: Sequence[tuple[str, datetime | None]]) -> None:
    """`schedule` for many shipments, each once: (shipment id, due at)."""
    rows = [{"shipment_id": shipment_id, "due_at": due_at, "fence": 0} for shipment_id, due_at in looks]
    await bulk.upsert_many(tx, watches, rows, ("due_at",))


_DUE = "SELECT shipment_id, fence FROM watches WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
_BRIEFS = """SELECT w.shipment_id, w.fence, s.status, s.progress_at, s.promised_at, s.origin, s.destination, s.service,
s.stalled, s.late, s.watching, s.carrier, l.opened_at, l.polled_at, l.heard_at,
EXISTS (SELECT 1 FROM cases c WHERE c.shipment_id = w.shipment_id AND c.open_key IS NOT NULL)
FROM w LEFT JOIN shipments s ON s.id = w.shipment_id
LEFT JOIN legs l ON l.carrier = s.carrier AND l.tracking_number = s.tracking_number"""
_BRIEFS_SQLITE = f"WITH w AS MATERIALIZED ({_DUE}) {_BRIEFS}".replace("$", "?")
_BRIEFS_POSTGRESQL = f"WITH w AS MATERIALIZED ({_DUE} FOR UPDATE SKIP LOCKED) {_BRIEFS}"


async def due(tx: Tx, now: datetime, *, limit: int) -> list[Brief]:
    """Shipments that are due, the longest first, and what they look like.

    Ours until the transaction ends, in which every one of them has to be rescheduled or taken: whoever changes a
    shipment in the meantime waits for that, and then makes it due again.
    """
    statement = _BRIEFS_SQLITE if tx.dialect == "sqlite" else _BRIEFS_POSTGRESQL
    return [_brief(tuple(row)) for row in (await tx.conn.exec_driver_sql(statement, (micros(now), limit))).all()]


def _brief(row: tuple[Any, ...]) -> Brief:
    shipment_id, fence, status, progress, promised, origin, destination, service, *flags = row
    stalled, late, watching, carrier, opened, polled, heard, troubled = flags
    return Brief(
        shipment_id=shipment_id,
        fence=fence,
        status=status,
        progress_at=_at(progress),
        promised_at=_at(promised),
        origin=origin,
        destination=destination,
        service=service,
        stalled=bool(stalled),
        late=bool(late),
        watching=bool(watching),
        carrier=carrier,
        opened_at=_at(opened),
        polled_at=_at(polled),
        heard_at=_at(heard),
        troubled=bool(troubled),
    )


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


async def put_many(tx: Tx, looked: Sequence[tuple[Brief, datetime | None]]) -> None:
    """When each of `due` is due again (None: not until something changes)."""
    rows = [{"shipment_id": one.shipment_id, "due_at": at, "fence": one.fence} for one, at in looked]
    await bulk.put_many(tx, watches, rows)


async def take(tx: Tx, briefs: Sequence[Brief], until: datetime) -> list[Watch]:
    """Those of `due` that need more than a glance, with a lease."""
    taken = [Watch(shipment_id=one.shipment_id, fence=one.fence + 1) for one in briefs]
    rows = [{"shipment_id": one.shipment_id, "due_at": until, "fence": one.fence} for one in taken]
    await bulk.put_many(tx, watches, rows)
    return taken


async def end(tx: Tx, watch: Watch, due_at: datetime | None) -> None:
    """The end of a look. Raise LeaseLost."""
    await queues.finish(tx, watches, watch.shipment_id, watch.fence, due_at=due_at)


async def of_shipment(tx: Tx, shipment_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(watches).where(watches.c.shipment_id == shipment_id))).one_or_none()
