"""Fenced leases over `polls`, `watches`, `inbox` and `outbox`: claim what is due, finish what was claimed.

Claiming moves `due_at` to the end of the lease and raises `fence`. Finishing names the fence it was claimed under: a
worker that slept past its lease finds that somebody else has the row, and writes nothing (`LeaseLost`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Row, Table, func, select, update

from gateway.store.engine import Tx


class LeaseLost(Exception):
    """The lease ended and another worker has the row, or it was taken off the queue: drop what you were doing."""


async def claim(
    tx: Tx, table: Table, *, now: datetime, limit: int, lease: timedelta, also: Mapping[str, Any] | None = None
) -> list[Row[Any]]:
    """Up to `limit` due rows, oldest first, ours until now + lease. also: column -> what is written with it."""
    key = _key(table)
    due = select(key).where(table.c.due_at <= now).order_by(table.c.due_at).limit(limit)
    # Materialized: PostgreSQL may run a plain subquery once per row of the outer table, and lock beyond the limit.
    picked = due.with_for_update(skip_locked=True).cte("picked").prefix_with("MATERIALIZED")
    claimed = (
        update(table)
        .where(key.in_(select(picked.c[key.name])))
        .values(due_at=now + lease, fence=table.c.fence + 1, **(also or {}))
        .returning(table)
    )
    rows = list((await tx.conn.execute(claimed)).all())
    return sorted(rows, key=lambda row: str(getattr(row, key.name)))


async def finish(tx: Tx, table: Table, key: Any, fence: int, *, due_at: datetime | None, **values: Any) -> None:
    """Write the end of a claimed row: when it is due again (None: never), and further columns. Raise LeaseLost."""
    done = update(table).where(_key(table) == key, table.c.fence == fence).values(due_at=due_at, **values)
    if (await tx.conn.execute(done)).rowcount != 1:
        raise LeaseLost(f"{table.name} {key} fence {fence}")


async def extend(tx: Tx, table: Table, key: Any, fence: int, until: datetime) -> None:
    """Keep a claimed row longer. Raise LeaseLost."""
    await finish(tx, table, key, fence, due_at=until)


async def backlog(tx: Tx, table: Table, now: datetime) -> tuple[int, datetime | None]:
    """How many rows are due, and since when the oldest has been: for /metrics and /readyz."""
    row = (await tx.conn.execute(select(func.count(), func.min(table.c.due_at)).where(table.c.due_at <= now))).one()
    return row[0], row[1]


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key
