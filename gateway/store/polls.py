"""The schedule of polls: a narrow row per leg, claimed with fenced leases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, exists, literal, select, union_all, update

from gateway.store import queues
from gateway.store.engine import Tx
from gateway.store.tables import polls
from gateway.store.upsert import insert


async def schedule(tx: Tx, leg_id: str, carrier: str, due_at: datetime | None) -> None:
    """Ask about this leg then (None: never again). A lease that somebody holds stays his until he ends it."""
    added = insert(tx, polls).values(leg_id=leg_id, carrier=carrier, due_at=due_at, fence=0, failures=0)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["leg_id"], set_={"due_at": due_at}))


async def schedule_many(tx: Tx, legs: Sequence[tuple[str, str, datetime | None]]) -> None:
    """`schedule` for many: (leg id, carrier, due at)."""
    added = insert(tx, polls)
    upserted = added.on_conflict_do_update(index_elements=["leg_id"], set_={"due_at": added.excluded.due_at})
    rows = [{"leg_id": leg, "carrier": carrier, "due_at": due, "fence": 0, "failures": 0} for leg, carrier, due in legs]
    if rows:
        await tx.conn.execute(upserted, rows)


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


async def claim(tx: Tx, carrier: str, now: datetime, *, limit: int, lease: timedelta) -> list[Row[Any]]:
    """Due legs of a carrier: leg_id, fence, failures."""
    return await queues.claim(tx, polls, now=now, limit=limit, lease=lease, where={"carrier": carrier})


async def take(tx: Tx, leg_id: str, carrier: str, until: datetime) -> int:
    """Claim one leg whenever it is due, and whoever has it, on the schedule or not: the new fence."""
    added = insert(tx, polls).values(leg_id=leg_id, carrier=carrier, due_at=until, fence=1, failures=0)
    taken = {"due_at": until, "fence": polls.c.fence + 1}
    upserted = added.on_conflict_do_update(index_elements=["leg_id"], set_=taken).returning(polls.c.fence)
    return int((await tx.conn.execute(upserted)).scalar_one())


async def fences(tx: Tx, leg_ids: Iterable[str]) -> dict[str, int]:
    """Under which fence each leg is now: somebody else has those that are not under ours any more."""
    found = select(polls.c.leg_id, polls.c.fence).where(polls.c.leg_id.in_(list(leg_ids)))
    return {row.leg_id: row.fence for row in (await tx.conn.execute(found)).all()}


async def end(tx: Tx, leg_id: str, fence: int, due_at: datetime | None, *, failures: int = 0) -> None:
    """The end of a claimed poll. Raise LeaseLost."""
    await queues.finish(tx, polls, leg_id, fence, due_at=due_at, failures=failures)


async def answered(tx: Tx, leg_ids: Sequence[str]) -> None:
    """Polls of these legs fail no longer."""
    failing = update(polls).where(polls.c.leg_id.in_(leg_ids), polls.c.failures > 0)
    if leg_ids:
        await tx.conn.execute(failing.values(failures=0))


async def forget(tx: Tx, leg_ids: Sequence[str]) -> None:
    """Take legs off the schedule."""
    if leg_ids:
        await tx.conn.execute(delete(polls).where(polls.c.leg_id.in_(leg_ids)))


async def of_leg(tx: Tx, leg_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(polls).where(polls.c.leg_id == leg_id))).one_or_none()
