"""The schedule of polls: a narrow row per leg, claimed with fenced leases.

What every poll needs (claim, hold, end, schedule) is one statement for many legs, past SQLAlchemy's compiler
(docs/performance.md): lists are arrays on PostgreSQL and a JSON text on SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, exists, literal, select, union_all, update

from gateway.store import bulk
from gateway.store.engine import Tx
from gateway.store.tables import instant, micros, polls
from gateway.store.upsert import insert


class End(NamedTuple):
    """The end of a claimed poll. due_at None: never again."""

    leg_id: str
    fence: int
    due_at: datetime | None
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A leg, as far as a question about it needs it. document: of its shipment, as registered."""

    id: str
    shipment_id: str
    carrier: str
    tracking_number: str
    reference: str
    service: str
    extra: Mapping[str, str]
    polled_at: datetime | None
    closed_why: str | None
    origin: str
    destination: str
    watching: bool
    document: Mapping[str, Any]

    @property
    def wanted(self) -> bool:
        """Somebody still wants to know, and we did not take the parcel away from this carrier."""
        return self.watching and self.closed_why not in {"cancelled", "superseded"}


#: Of a leg that comes on the schedule.
_NEW = {"fence": 0, "failures": 0}


async def schedule(tx: Tx, leg_id: str, carrier: str, due_at: datetime | None) -> None:
    """Ask about this leg then (None: never again). A lease that somebody holds stays his until he ends it."""
    added = insert(tx, polls).values(leg_id=leg_id, carrier=carrier, due_at=due_at, **_NEW)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["leg_id"], set_={"due_at": due_at}))


async def schedule_many(tx: Tx, legs: Sequence[tuple[str, str, datetime | None]]) -> None:
    """`schedule` for many: (leg id, carrier, due at)."""
    latest = {leg: {"leg_id": leg, "carrier": carrier, "due_at": due, **_NEW} for leg, carrier, due in legs}
    await bulk.upsert_many(tx, polls, list(latest.values()), ("due_at",))


async def due_carriers(tx: Tx, carriers: Sequence[str], now: datetime) -> list[str]:
    """Those of the carriers that have a leg to be asked about."""
    if not carriers:
        return []
    each = [
        select(literal(code)).where(exists().where(polls.c.carrier == code, polls.c.due_at <= now)) for code in carriers
    ]
    return [row[0] for row in (await tx.conn.execute(union_all(*each))).all()]


async def hasten(tx: Tx, carrier: str, now: datetime) -> None:
    """The leg of a carrier that would be asked about next is asked about now, unless one is due anyway."""
    mine = select(polls.c.leg_id).where(polls.c.carrier == carrier, polls.c.due_at.is_not(None))
    soonest = mine.order_by(polls.c.due_at).limit(1).scalar_subquery()
    await tx.conn.execute(update(polls).where(polls.c.leg_id == soonest, polls.c.due_at > now).values(due_at=now))


_DUE = "SELECT leg_id FROM polls WHERE carrier = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3"
_CLAIMED = "RETURNING polls.leg_id, polls.fence, polls.failures"
_CLAIM_SQLITE = f"""UPDATE polls SET due_at = $4, fence = fence + 1
WHERE leg_id IN ({_DUE}) {_CLAIMED}""".replace("$", "?")  # noqa: S608 - constants
# Materialized, as in `queues.claim`. No join: the planner does not know the limit, and might read every poll for it.
_CLAIM_POSTGRESQL = f"""WITH picked AS MATERIALIZED ({_DUE} FOR UPDATE SKIP LOCKED)
UPDATE polls SET due_at = $4, fence = fence + 1
WHERE leg_id = ANY(ARRAY(SELECT leg_id FROM picked)) {_CLAIMED}"""  # noqa: S608 - constants


async def claim(tx: Tx, carrier: str, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Row[Any]]:
    """Due legs of a carrier: leg_id, fence, failures. `queues.claim`, for the queue that is the longest."""
    statement = _CLAIM_SQLITE if tx.dialect == "sqlite" else _CLAIM_POSTGRESQL
    return (await tx.conn.exec_driver_sql(statement, (carrier, micros(now), limit, micros(now + lease)))).all()


_KEEP_SQLITE = """UPDATE polls SET due_at = ?3 WHERE due_at = ?2 AND leg_id IN (SELECT value FROM json_each(?1))
RETURNING leg_id"""
# In the order of `hold`, and not those that somebody is ending at this moment.
_KEEP_POSTGRESQL = """WITH mine AS MATERIALIZED (SELECT leg_id FROM polls
WHERE due_at = $2 AND leg_id = ANY($1::text[]) ORDER BY leg_id FOR UPDATE SKIP LOCKED)
UPDATE polls SET due_at = $3 FROM mine WHERE polls.leg_id = mine.leg_id RETURNING polls.leg_id"""


async def keep(tx: Tx, leg_ids: Sequence[str], until: datetime, later: datetime) -> list[str]:
    """Those of these legs whose lease still ends at `until` are ours until `later`. The others have ended, or somebody
    has scheduled or claimed them meanwhile."""
    times = (micros(until), micros(later))
    if tx.dialect == "sqlite":
        rows = await tx.conn.exec_driver_sql(_KEEP_SQLITE, (json.dumps(list(leg_ids)), *times))
    else:
        rows = await tx.conn.exec_driver_sql(_KEEP_POSTGRESQL, (list(leg_ids), *times))
    return [row.leg_id for row in rows.all()]


_ABOUT = """SELECT l.id, l.shipment_id, l.carrier, l.tracking_number, l.reference, l.service, l.extra, l.polled_at,
l.closed_why, s.origin, s.destination, s.watching, s.document
FROM legs l JOIN shipments s ON s.id = l.shipment_id"""
_ABOUT_SQLITE = _ABOUT + " WHERE l.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
_ABOUT_POSTGRESQL = _ABOUT + " WHERE l.id = ANY($1::text[])"


async def about(tx: Tx, leg_ids: Collection[str]) -> list[About]:
    """What questions about these legs have to say."""
    if tx.dialect == "sqlite":
        rows = await tx.conn.exec_driver_sql(_ABOUT_SQLITE, (json.dumps(list(leg_ids)),))
    else:
        rows = await tx.conn.exec_driver_sql(_ABOUT_POSTGRESQL, (list(leg_ids),))
    return [_about(tuple(row)) for row in rows.all()]


def _about(row: Sequence[Any]) -> About:
    leg_id, shipment_id, carrier, number, reference, service, extra, polled_at, closed_why, *owner = row
    origin, destination, watching, document = owner
    return About(
        id=leg_id,
        shipment_id=shipment_id,
        carrier=carrier,
        tracking_number=number,
        reference=reference,
        service=service,
        extra=json.loads(extra),
        polled_at=None if polled_at is None else instant(polled_at),
        closed_why=closed_why,
        origin=origin,
        destination=destination,
        watching=bool(watching),
        document=json.loads(document),
    )


async def take(tx: Tx, leg_id: str, carrier: str, until: datetime) -> int:
    """Claim one leg whenever it is due, and whoever has it, on the schedule or not: the new fence."""
    added = insert(tx, polls).values(leg_id=leg_id, carrier=carrier, due_at=until, fence=1, failures=0)
    taken = {"due_at": until, "fence": polls.c.fence + 1}
    upserted = added.on_conflict_do_update(index_elements=["leg_id"], set_=taken).returning(polls.c.fence)
    return int((await tx.conn.execute(upserted)).scalar_one())


_LOCK_SHIPMENTS = "SELECT id FROM shipments WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_HOLD_SQLITE = "SELECT leg_id, fence FROM polls WHERE leg_id IN (SELECT value FROM json_each(?))"
_HOLD_POSTGRESQL = "SELECT leg_id, fence FROM polls WHERE leg_id = ANY($1::text[]) ORDER BY leg_id FOR UPDATE"


async def hold(tx: Tx, owners: Mapping[str, str]) -> dict[str, int]:
    """Lock legs (id -> shipment) until the end of the transaction: under which fence each is.

    Somebody else has those that are not under ours any more. Shipments are locked first, in the order of their ids.
    """
    if not owners:
        return {}
    if tx.dialect == "sqlite":  # one writer: what this transaction sees is held
        rows = await tx.conn.exec_driver_sql(_HOLD_SQLITE, (json.dumps(list(owners)),))
    else:
        await tx.conn.exec_driver_sql(_LOCK_SHIPMENTS, (sorted(set(owners.values())),))
        rows = await tx.conn.exec_driver_sql(_HOLD_POSTGRESQL, (list(owners),))
    return {row.leg_id: row.fence for row in rows.all()}


_END_SQLITE = "UPDATE polls SET due_at = ?3, failures = ?4 WHERE leg_id = ?1 AND fence = ?2"
_END_POSTGRESQL = """UPDATE polls SET due_at = told.due_at, failures = told.failures
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) AS told (leg_id, fence, due_at, failures)
WHERE polls.leg_id = told.leg_id AND polls.fence = told.fence"""


async def end_many(tx: Tx, ends: Sequence[End]) -> int:
    """End claimed polls; those whose lease was lost stay as they are. How many were ours."""
    due = [None if one.due_at is None else micros(one.due_at) for one in ends]
    rows = [(one.leg_id, one.fence, at, one.failures) for one, at in zip(ends, due, strict=True)]
    return await bulk.run_many(tx, _END_SQLITE, _END_POSTGRESQL, rows)


async def answered(tx: Tx, leg_ids: Sequence[str]) -> None:
    """Polls of these legs fail no longer."""
    if leg_ids:
        failing = update(polls).where(polls.c.leg_id.in_(leg_ids), polls.c.failures > 0)
        await tx.conn.execute(failing.values(failures=0))


async def forget(tx: Tx, leg_ids: Sequence[str]) -> None:
    """Take legs off the schedule."""
    if leg_ids:
        await tx.conn.execute(delete(polls).where(polls.c.leg_id.in_(leg_ids)))


async def of_leg(tx: Tx, leg_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(polls).where(polls.c.leg_id == leg_id))).one_or_none()
