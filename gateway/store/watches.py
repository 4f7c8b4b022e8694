"""The schedule of looks at shipments: when the clock shall judge them next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from gateway.store import bulk, queues
from gateway.store.engine import Tx
from gateway.store.tables import compact, micros, watches
from gateway.store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A shipment that was due, and under which fence it is ours."""

    shipment_id: str
    fence: int


class Brief(NamedTuple):
    """What tells at a glance whether all is well with a shipment: columns of it and of its current leg, as stored.

    Instants in microseconds since 1970. carrier: None when there is no such shipment. opened_at: of that leg, told
    where nothing moved yet, and of carriers that are doubted. calm: watched, and nothing is wrong with it so far (not
    stalled, not late, no open case).
    """

    shipment_id: str
    fence: int
    carrier: str | None
    origin: str
    destination: str
    service: str
    status: str
    progress_at: int | None
    promised_at: int | None
    opened_at: int | None
    calm: bool

    @property
    def base(self) -> int:
        """The last progress; while there is none, when the leg began."""
        return self.progress_at or self.opened_at or 0


async def schedule(tx: Tx, shipment_id: str, due_at: datetime | None) -> None:
    """Look at this shipment then (None: not again until something changes)."""
    added = insert(tx, watches).values(shipment_id=shipment_id, due_at=due_at, fence=0)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["shipment_id"], set_={"due_at": due_at}))


async def schedule_many(tx: Tx, looks: Sequence[tuple[str, datetime | None]]) -> None:
    """`schedule` for many shipments, each once: (shipment id, due at)."""
    rows = [{"shipment_id": shipment_id, "due_at": due_at, "fence": 0} for shipment_id, due_at in looks]
    await bulk.upsert_many(tx, watches, rows, ("due_at",))


_DUE = "SELECT shipment_id, fence FROM watches WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
_BRIEFS = """SELECT w.shipment_id, w.fence, s.carrier, s.origin, s.destination, s.service, s.status, s.progress_at,
s.promised_at, CASE WHEN s.progress_at IS NULL OR s.carrier {among}
THEN (SELECT l.opened_at FROM legs l WHERE l.carrier = s.carrier AND l.tracking_number = s.tracking_number) END,
s.watching AND NOT s.stalled AND NOT s.late
AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.shipment_id = w.shipment_id AND c.open_key IS NOT NULL)
FROM w LEFT JOIN shipments s ON s.id = w.shipment_id"""
_BRIEFS_SQLITE = f"WITH w AS MATERIALIZED ({_DUE}) {_BRIEFS}".replace("$", "?").format(
    among="IN (SELECT value FROM json_each(?3))"
)
_BRIEFS_POSTGRESQL = f"WITH w AS MATERIALIZED ({_DUE} FOR UPDATE SKIP LOCKED) {_BRIEFS}".format(
    among="= ANY($3::text[])"
)


async def due(tx: Tx, now: datetime, doubted: Collection[str], *, limit: int) -> list[Brief]:
    """Shipments that are due, the longest first, and what they look like.

    Ours until the transaction ends, in which every one of them has to be rescheduled or taken: whoever changes a
    shipment in the meantime waits for that, and then makes it due again. doubted: carriers whose legs' age matters.
    """
    statement, parameters = asked(tx.dialect, now, doubted, limit)
    return list(map(Brief._make, (await tx.conn.exec_driver_sql(statement, parameters)).all()))


def asked(dialect: str, now: datetime, doubted: Collection[str], limit: int) -> tuple[str, tuple[Any, ...]]:
    """The statement of `due` and its parameters, as the driver takes them."""
    codes = sorted(doubted)
    if dialect == "sqlite":
        return _BRIEFS_SQLITE, (micros(now), limit, compact(codes))
    return _BRIEFS_POSTGRESQL, (micros(now), limit, codes)


async def put_many(tx: Tx, looked: Sequence[tuple[Brief, int | None]]) -> None:
    """When each of `due` is due again, in microseconds (None: not until something changes)."""
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
