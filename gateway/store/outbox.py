"""The outbox: deeds written in the transaction that decided them, and their fenced ends.

A deed is due when `due_at` has passed. One that waits for another (`after`) or for a person has no `due_at`; ending a
deed makes those due that waited for it. `progress` holds the steps already done and the step that was begun: intent is
written before the world is touched, so that whoever takes over knows where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from gateway.domain import DeedState
from gateway.store.engine import Tx
from gateway.store.ids import new_id
from gateway.store.queues import claim as claim_rows
from gateway.store.queues import finish
from gateway.store.tables import cases, outbox
from gateway.store.upsert import insert

LIVE = (DeedState.PENDING, DeedState.DOING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What to do. key: one decision, one deed; adding the same key again changes nothing.

    kind: a DeedKind, or an inner one ("news", "subscribe", "reread"). due_at None: waits for `after`, or for a person.
    """

    kind: str
    key: str
    payload: dict[str, Any] = field(default_factory=dict)
    due_at: datetime | None
    case_id: str | None = None
    shipment_id: str | None = None
    ordinal: int = 0
    after: str | None = None
    reason: str | None = None


async def add(tx: Tx, deed: Deed, now: datetime) -> str | None:
    """Write a deed. Its id, or None when one with this key is there already."""
    statement = insert(tx, outbox).values(**_row(deed, now)).on_conflict_do_nothing(index_elements=["key"])
    added: str | None = (await tx.conn.execute(statement.returning(outbox.c.id))).scalar_one_or_none()
    return added


async def add_many(tx: Tx, deeds: Sequence[Deed], now: datetime) -> None:
    """Write many deeds with one statement; those whose key is there already stay as they are."""
    statement = insert(tx, outbox).on_conflict_do_nothing(index_elements=["key"])
    if deeds:
        await tx.conn.execute(statement, [_row(deed, now) for deed in deeds])


def _row(deed: Deed, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("dd"),
        "kind": deed.kind,
        "key": deed.key,
        "case_id": deed.case_id,
        "shipment_id": deed.shipment_id,
        "ordinal": deed.ordinal,
        "after": deed.after,
        "state": DeedState.PENDING,
        "due_at": deed.due_at,
        "fence": 0,
        "attempts": 0,
        "payload": deed.payload,
        "progress": {},
        "reason": deed.reason,
        "created_at": now,
    }


async def claim(tx: Tx, now: datetime, *, limit: int, lease: timedelta) -> list[Row[Any]]:
    """Due deeds, now `doing`, with attempts counted. Rows of `outbox`."""
    also = {"state": DeedState.DOING, "attempts": outbox.c.attempts + 1}
    return await claim_rows(tx, outbox, now=now, limit=limit, lease=lease, also=also)


async def note(tx: Tx, deed: Row[Any], progress: dict[str, Any], *, until: datetime) -> None:
    """Keep the steps done and begun, and the lease. Raise LeaseLost."""
    await finish(tx, outbox, deed.id, deed.fence, due_at=until, progress=progress)


async def again(tx: Tx, deed: Row[Any], due_at: datetime | None, reason: str, *, free: bool = False) -> None:
    """Try later (None: when a person says so). free: this try does not count. Raise LeaseLost."""
    tries = {"attempts": max(deed.attempts - 1, 0)} if free else {}
    await finish(tx, outbox, deed.id, deed.fence, due_at=due_at, state=DeedState.PENDING, reason=reason, **tries)


async def end(
    tx: Tx, deed: Row[Any], state: DeedState, now: datetime, *, result: Any = None, reason: str | None = None
) -> None:
    """The end of a deed, and the start of those that waited for it. Raise LeaseLost."""
    await finish(tx, outbox, deed.id, deed.fence, due_at=None, state=state, result=result, reason=reason, ended_at=now)
    await wake(tx, [deed.id], now)


async def drop(tx: Tx, ids: Sequence[str], reason: str, now: datetime) -> list[str]:
    """Take back deeds of which no step was begun; others end by themselves. The ids that were dropped."""
    taken = (
        update(outbox)
        .where(outbox.c.id.in_(ids), outbox.c.state == DeedState.PENDING, outbox.c.progress == {})
        .values(state=DeedState.DROPPED, due_at=None, fence=outbox.c.fence + 1, reason=reason, ended_at=now)
        .returning(outbox.c.id)
    )
    dropped = [row.id for row in (await tx.conn.execute(taken)).all()] if ids else []
    await wake(tx, dropped, now)
    return dropped


async def release(tx: Tx, deed_id: str, now: datetime, *, payload: dict[str, Any] | None = None) -> bool:
    """Let a deed go that waited for a person, or that was refused or dead: due now, its tries counted anew.

    payload: the deed's, with the person's answer. False when the deed is under way, done or dropped.
    """
    states = (DeedState.PENDING, DeedState.REFUSED, DeedState.DEAD)
    answer = {} if payload is None else {"payload": payload}
    freed = (
        update(outbox)
        .where(outbox.c.id == deed_id, outbox.c.state.in_(states))
        .values(
            state=DeedState.PENDING,
            due_at=now,
            attempts=0,
            reason=None,
            ended_at=None,
            fence=outbox.c.fence + 1,
            **answer,
        )
    )
    return (await tx.conn.execute(freed)).rowcount == 1


async def reopen(tx: Tx, deed_id: str, now: datetime) -> bool:
    """A deed that seemed done was not (a receipt said so): due again. False when it had not ended as done."""
    values = {"state": DeedState.PENDING, "due_at": now, "attempts": 0, "ended_at": None, "fence": outbox.c.fence + 1}
    done = update(outbox).where(outbox.c.id == deed_id, outbox.c.state == DeedState.DONE).values(**values)
    return (await tx.conn.execute(done)).rowcount == 1


async def of_case(tx: Tx, case_id: str) -> list[Row[Any]]:
    """The remedies of a case, in the playbook's order."""
    found = select(outbox).where(outbox.c.case_id == case_id).order_by(outbox.c.ordinal, outbox.c.id)
    return list((await tx.conn.execute(found)).all())


async def of_kind(tx: Tx, kind: str, *, limit: int = 200) -> list[Row[Any]]:
    """The first of a kind, oldest first."""
    found = select(outbox).where(outbox.c.kind == kind).order_by(outbox.c.created_at, outbox.c.id).limit(limit)
    return list((await tx.conn.execute(found)).all())


async def get(tx: Tx, deed_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(outbox).where(outbox.c.id == deed_id))).one_or_none()


async def by_key(tx: Tx, key: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(outbox).where(outbox.c.key == key))).one_or_none()


async def forget_customer(tx: Tx, order_id: str) -> None:
    """Take the customer whom an order system named out of the deeds of an order's cases."""
    of_order = select(cases.c.id).where(cases.c.order_id == order_id)
    found = select(outbox.c.id, outbox.c.payload).where(outbox.c.case_id.in_(of_order))
    for row in (await tx.conn.execute(found)).all():
        if "customer" in row.payload:
            kept = {name: value for name, value in row.payload.items() if name != "customer"}
            await tx.conn.execute(update(outbox).where(outbox.c.id == row.id).values(payload=kept))


async def live_of_shipment(tx: Tx, shipment_id: str, kind: str) -> list[Row[Any]]:
    """Deeds of a kind that are pending or under way for a shipment."""
    found = select(outbox).where(outbox.c.shipment_id == shipment_id, outbox.c.kind == kind, outbox.c.state.in_(LIVE))
    return list((await tx.conn.execute(found)).all())


async def wake(tx: Tx, ended: Sequence[str], now: datetime) -> None:
    """Make those due that waited for these deeds."""
    if ended:
        waiting = (outbox.c.after.in_(ended), outbox.c.state == DeedState.PENDING, outbox.c.due_at.is_(None))
        await tx.conn.execute(update(outbox).where(*waiting).values(due_at=now))
