"""What is over is forgotten: which rows, by which age, found by an index, and deleted some at a time.

Finding only reads, walks an index from the oldest row on, and looks at nothing else: what is old and still needed is
passed over. Whether a row may go is asked again by the transaction that deletes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, exists, literal, or_, select, tuple_

from gateway.domain import FINAL, CaseState, DeedState, MessageState
from gateway.store.engine import Tx
from gateway.store.inbox import QUARANTINED, READ
from gateway.store.outbox import LIVE
from gateway.store.tables import (
    audit,
    case_events,
    cases,
    idempotency,
    inbox,
    legs,
    messages,
    outbox,
    polls,
    shipments,
    strays,
    watches,
)

#: (age, id) of the last row that was looked at; None: begin with the oldest.
Place = tuple[datetime, Any] | None
#: (before, after, at most so many) -> rows of (id, at), the oldest first.
Find = Callable[[Tx, datetime, Place, int], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """rows: how many of what the rule speaks of. numbers: tracking numbers of which nothing is known any more."""

    rows: int
    numbers: Sequence[str] = ()


Forget = Callable[[Tx, Sequence[Any], datetime], Awaitable[Gone]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """days: the field of Retention that says how old; "": by a time of its own (`before` is now)."""

    name: str
    days: str
    find: Find
    forget: Forget


def _by_age(key: Column[Any], at: Column[Any], *where: ColumnElement[bool]) -> Find:
    """Along an index on (at, key), or on `at`."""

    async def find(tx: Tx, before: datetime, after: Place, limit: int) -> Sequence[Any]:
        found = select(key.label("id"), at.label("at")).where(at < before, *where).order_by(at, key).limit(limit)
        if after is not None:
            place = tuple_(literal(after[0], at.type), literal(after[1], key.type))
            found = found.where(at >= after[0], tuple_(at, key) > place)
        return (await tx.conn.execute(found)).all()

    return find


def _by_id(table: Table, at: Column[Any], *where: ColumnElement[bool]) -> Find:
    """Along ids, which grow with time: the first so many, those of them that are old enough. None is passed over."""

    async def find(tx: Tx, before: datetime, after: Place, limit: int) -> Sequence[Any]:
        first = select(table.c.id, at.label("at")).where(*where).order_by(table.c.id).limit(limit).subquery()
        return (await tx.conn.execute(select(first).where(first.c.at < before))).all()

    return find


def _by_registration(table: Table, at: Column[Any]) -> Find:
    """Along ids, which grow with the time of registration: those of the first so many that are old enough."""

    async def find(tx: Tx, before: datetime, after: Place, limit: int) -> Sequence[Any]:
        first = select(table.c.id, at.label("at")).order_by(table.c.id).limit(limit)
        some = (first if after is None else first.where(table.c.id > after[1])).subquery()
        return (await tx.conn.execute(select(some).where(some.c.at < before).order_by(some.c.id))).all()

    return find


def _rows(key: Column[Any], at: Column[Any], *where: ColumnElement[bool]) -> Forget:
    async def forget(tx: Tx, ids: Sequence[Any], before: datetime) -> Gone:
        gone = delete(key.table).where(key.in_(ids), at < before, *where)
        return Gone(rows=(await tx.conn.execute(gone)).rowcount)

    return forget


def _simple(name: str, days: str, key: Column[Any], at: Column[Any]) -> Rule:
    return Rule(name=name, days=days, find=_by_age(key, at), forget=_rows(key, at))


def _pushes(name: str, days: str, state: str) -> Rule:
    of = inbox.c.state == state
    at = inbox.c.received_at
    return Rule(name=name, days=days, find=_by_id(inbox, at, of), forget=_rows(inbox.c.id, at, of))


_OVER = or_(shipments.c.status.in_(FINAL), shipments.c.watching.is_(False))
_UNSENT = messages.c.state.in_((MessageState.QUEUED, MessageState.HELD))


def _deeds(name: str, days: str, *states: DeedState) -> Rule:
    """Deeds of no case. One of a live shipment stays: that it is there is why it is not done twice."""
    alone = outbox.c.case_id.is_(None)
    lives = exists().where(shipments.c.id == outbox.c.shipment_id, ~_OVER)
    at = outbox.c.ended_at
    return Rule(
        name=name,
        days=days,
        find=_by_age(outbox.c.id, at, alone),
        forget=_rows(outbox.c.id, at, alone, outbox.c.state.in_(states), ~lives),
    )


async def _shipments(tx: Tx, ids: Sequence[str], before: datetime) -> Gone:
    """With all that hangs on them; not while a case is open, a deed not done, or a message not sent."""
    mine = cases.c.shipment_id == shipments.c.id
    needed = (
        exists().where(mine, cases.c.open_key.is_not(None)),
        exists().where(cases.c.order_id == shipments.c.order_id, cases.c.open_key.is_not(None)),
        exists().where(outbox.c.shipment_id == shipments.c.id, outbox.c.state.in_(LIVE)),
        exists().where(messages.c.shipment_id == shipments.c.id, _UNSENT),
    )
    over = select(shipments.c.id).where(
        shipments.c.id.in_(ids), shipments.c.updated_at < before, _OVER, *(~one for one in needed)
    )
    locked = over.order_by(shipments.c.id).with_for_update(skip_locked=True, of=shipments)
    doomed = list((await tx.conn.execute(locked)).scalars())
    if not doomed:
        return Gone(rows=0)
    theirs = select(legs.c.id, legs.c.tracking_number).where(legs.c.shipment_id.in_(doomed))
    named = (await tx.conn.execute(theirs)).all()
    await tx.conn.execute(delete(polls).where(polls.c.leg_id.in_([leg.id for leg in named])))
    await _with_cases(tx, cases.c.shipment_id.in_(doomed))
    for table in (legs, watches, messages, outbox):
        await tx.conn.execute(delete(table).where(table.c.shipment_id.in_(doomed)))
    await tx.conn.execute(delete(shipments).where(shipments.c.id.in_(doomed)))
    return Gone(rows=len(doomed), numbers=[leg.tracking_number for leg in named])


async def _with_cases(tx: Tx, *where: ColumnElement[bool]) -> int:
    """Closed cases with their timelines and deeds."""
    found = select(cases.c.id).where(cases.c.open_key.is_(None), *where).with_for_update(skip_locked=True)
    ids = list((await tx.conn.execute(found)).scalars())
    if ids:
        await tx.conn.execute(delete(case_events).where(case_events.c.case_id.in_(ids)))
        await tx.conn.execute(delete(outbox).where(outbox.c.case_id.in_(ids)))
        await tx.conn.execute(delete(cases).where(cases.c.id.in_(ids)))
    return len(ids)


async def _order_cases(tx: Tx, ids: Sequence[str], before: datetime) -> Gone:
    busy = exists().where(outbox.c.case_id == cases.c.id, outbox.c.state.in_(LIVE))
    gone = (cases.c.id.in_(ids), cases.c.shipment_id.is_(None), cases.c.closed_at < before, ~busy)
    return Gone(rows=await _with_cases(tx, *gone))


def _closed(state: CaseState) -> Rule:
    find = _by_age(cases.c.id, cases.c.opened_at, cases.c.state == state)
    return Rule(name="cases", days="cases_days", find=find, forget=_order_cases)


def _messages() -> Rule:
    open_case = exists().where(cases.c.id == messages.c.case_id, cases.c.open_key.is_not(None))
    key, at = messages.c.id, messages.c.created_at
    forget = _rows(key, at, ~_UNSENT, ~open_case)
    return Rule(name="messages", days="messages_days", find=_by_age(key, at), forget=forget)


#: Everything that ever goes, in this order. What is not here is kept.
RULES: Sequence[Rule] = (
    _pushes("pushes", "inbox_read_days", READ),
    _pushes("quarantined pushes", "inbox_quarantined_days", QUARANTINED),
    _simple("strays", "", strays.c.id, strays.c.expires_at),
    _simple("answers", "answers_days", idempotency.c.key, idempotency.c.at),
    _messages(),
    _deeds("deeds", "deeds_days", DeedState.DONE, DeedState.DROPPED),
    _deeds("failed deeds", "failed_deeds_days", DeedState.REFUSED, DeedState.DEAD),
    Rule(
        name="shipments",
        days="shipments_days",
        find=_by_registration(shipments, shipments.c.created_at),
        forget=_shipments,
    ),
    _closed(CaseState.RESOLVED),
    _closed(CaseState.CLEARED),
    Rule(name="audit", days="audit_days", find=_by_id(audit, audit.c.at), forget=_rows(audit.c.id, audit.c.at)),
)
