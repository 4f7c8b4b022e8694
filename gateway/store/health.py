"""How well we hear each carrier."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, or_, select, update

from gateway.store.engine import Tx
from gateway.store.tables import carrier_health as health
from gateway.store.text import storable
from gateway.store.upsert import insert, insert_new

#: A carrier's row is wanted by every worker that hears it: it is written only when it would move by more than this.
GRAIN = timedelta(seconds=15)


async def of(tx: Tx, carrier: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(health).where(health.c.carrier == carrier))).one_or_none()


async def every(tx: Tx) -> dict[str, Row[Any]]:
    return {row.carrier: row for row in (await tx.conn.execute(select(health))).all()}


async def heard(tx: Tx, at: Mapping[str, datetime], pushed: Collection[str] = ()) -> None:
    """An authentic push or an answered poll spoke of these carriers. pushed: those that were pushed.

    Call it last, once: it locks rows that every worker wants, in the order of their names.
    """
    for carrier in sorted(at):
        names = ("heard_at", "pushed_at") if carrier in pushed else ("heard_at",)
        values = dict.fromkeys(names, at[carrier])
        older = or_(*(health.c[name].is_(None) | (health.c[name] < at[carrier] - GRAIN) for name in names))
        moved = update(health).where(health.c.carrier == carrier, older).values(**values)
        if (await tx.conn.execute(moved)).rowcount == 0:
            await insert_new(tx, health, {"carrier": carrier, "failures": 0, "circuit": "closed", **values})


async def mended(tx: Tx, carrier: str) -> datetime | None:
    """A poll was answered again. Since when polls had failed, None when they had not."""
    before = await of(tx, carrier)
    if before is None or not before.failures:
        return None
    cleared = {"failures": 0, "failing_since": None, "last_error": None}
    await tx.conn.execute(update(health).where(health.c.carrier == carrier).values(**cleared))
    since: datetime | None = before.failing_since
    return since


async def failed(tx: Tx, carrier: str, at: datetime, error: str, *, times: int = 1) -> int:
    """A poll failed, or what counts as so many; how many in a row by now."""
    why = storable(error)[:500]
    added = insert(tx, health).values(
        carrier=carrier, circuit="closed", failures=times, failing_since=at, last_error=why
    )
    again = {
        "failures": health.c.failures + times,
        "failing_since": func.coalesce(health.c.failing_since, added.excluded.failing_since),
        "last_error": added.excluded.last_error,
    }
    upserted = added.on_conflict_do_update(index_elements=["carrier"], set_=again).returning(health.c.failures)
    return int((await tx.conn.execute(upserted)).scalar_one())
