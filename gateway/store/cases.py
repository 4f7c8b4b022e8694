"""Cases and their timelines.

Lock order, everywhere: shipment, then case, then deeds of the case, then ledger. `locked` takes the case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from gateway.domain import CaseState
from gateway.store import bulk
from gateway.store.engine import Tx
from gateway.store.paging import below
from gateway.store.tables import case_events, cases
from gateway.store.upsert import insert_new

CLOSED = (CaseState.RESOLVED, CaseState.CLEARED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter over cases; None: any. overdue: past its deadline and not closed."""

    state: str | None = None
    kind: str | None = None
    owner: str | None = None
    overdue: bool | None = None
    order_id: str | None = None
    shipment_id: str | None = None


async def add(tx: Tx, **values: Any) -> bool:
    """Write a new case. False when one with this `open_key` is open."""
    return await insert_new(tx, cases, values)


async def get(tx: Tx, case_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(cases).where(cases.c.id == case_id))).one_or_none()


async def states(tx: Tx, case_ids: Collection[str]) -> dict[str, str]:
    """The state of each case."""
    if not case_ids:
        return {}
    found = select(cases.c.id, cases.c.state).where(cases.c.id.in_(sorted(case_ids)))
    return {row.id: row.state for row in (await tx.conn.execute(found)).all()}


async def locked(tx: Tx, case_id: str) -> Row[Any] | None:
    """The case, ours until the end of the transaction."""
    return (await tx.conn.execute(select(cases).where(cases.c.id == case_id).with_for_update())).one_or_none()


async def open_under(tx: Tx, open_key: str) -> Row[Any] | None:
    """The open case of this key, locked."""
    return (await tx.conn.execute(select(cases).where(cases.c.open_key == open_key).with_for_update())).one_or_none()


async def open_of_shipments(tx: Tx, ids: Collection[str]) -> Mapping[str, list[Row[Any]]]:
    """Every case of these shipments that is not closed, locked, in a stable order; nothing for a shipment without."""
    found = select(cases).where(bulk.among(tx, cases.c.shipment_id, ids), cases.c.open_key.is_not(None))
    rows = (await tx.conn.execute(found.order_by(cases.c.id).with_for_update())).all() if ids else ()
    return _by_shipment(rows)


async def of_shipments(tx: Tx, ids: Collection[str]) -> Mapping[str, list[Row[Any]]]:
    """Every case that these shipments ever had, newest first; nothing for a shipment without."""
    found = select(cases).where(bulk.among(tx, cases.c.shipment_id, ids)).order_by(cases.c.opened_at.desc())
    return _by_shipment((await tx.conn.execute(found)).all() if ids else ())


def _by_shipment(rows: Iterable[Row[Any]]) -> Mapping[str, list[Row[Any]]]:
    grouped: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        grouped[row.shipment_id].append(row)
    return grouped


async def change(tx: Tx, case_id: str, **values: Any) -> None:
    await tx.conn.execute(update(cases).where(cases.c.id == case_id).values(**values))


async def event(tx: Tx, case_id: str, at: datetime, who: str, what: str, detail: Any = None) -> None:
    """A line of the timeline. who: a key's label, or "gateway"."""
    line = insert(case_events).values(case_id=case_id, at=at, who=who, what=what, detail=detail)
    await tx.conn.execute(line)


async def timeline(tx: Tx, case_id: str) -> list[Row[Any]]:
    """Oldest first."""
    found = select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.id)
    return list((await tx.conn.execute(found)).all())


async def listing(
    tx: Tx, wanted: Wanted, *, now: datetime, limit: int, before: tuple[datetime, str] | None = None
) -> list[Row[Any]]:
    """Newest first, below (opened_at, id) `before`."""
    found = select(cases).where(*_where(wanted, now))
    if before is not None:
        found = found.where(below(cases.c.opened_at, cases.c.id, before))
    found = found.order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(limit)
    return list((await tx.conn.execute(found)).all())


async def counts(tx: Tx) -> dict[tuple[str, str], int]:
    """How many cases are not closed, by (kind, state): for /metrics."""
    counted = select(cases.c.kind, cases.c.state, func.count()).where(cases.c.open_key.is_not(None))
    rows = (await tx.conn.execute(counted.group_by(cases.c.kind, cases.c.state))).all()
    return {(row[0], row[1]): row[2] for row in rows}


def _where(wanted: Wanted, now: datetime) -> Sequence[Any]:
    named = {name: getattr(wanted, name) for name in ("state", "kind", "owner", "order_id", "shipment_id")}
    where: list[Any] = [cases.c[name] == value for name, value in named.items() if value is not None]
    if wanted.overdue is not None:
        late = cases.c.open_key.is_not(None) & (cases.c.due_at < now)
        where.append(late if wanted.overdue else ~func.coalesce(late, False))
    return where
