"""Incidents (one cause behind many stalls) and the circuits of carriers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, literal, select, union_all, update

from gateway.domain import FINAL
from gateway.store.engine import Tx
from gateway.store.tables import carrier_health, incidents, legs, shipments
from gateway.store.upsert import insert, insert_new
from gateway.store.walk import firsts

#: The same lock for everybody who opens or closes incidents and circuits.
_LOCK = 7283411907


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The legs of a carrier that are under way, counted as far as was asked. stalled: how many shipments it holds are
    stalled. since: the first of the legs began."""

    legs: int
    stalled: int
    since: datetime


async def alone(tx: Tx) -> None:
    """No other worker judges carriers until this transaction ends."""
    if tx.dialect == "postgresql":
        await tx.conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


async def open_incident(tx: Tx, **values: Any) -> bool:
    """Write one. False when one with this `open_key` is open."""
    return await insert_new(tx, incidents, values)


async def close(tx: Tx, incident_id: str, at: datetime) -> None:
    closed = update(incidents).where(incidents.c.id == incident_id).values(closed_at=at, open_key=None)
    await tx.conn.execute(closed)


async def under(tx: Tx, open_key: str) -> Row[Any] | None:
    """The open incident of this key."""
    return (await tx.conn.execute(select(incidents).where(incidents.c.open_key == open_key))).one_or_none()


async def open_ones(tx: Tx, carrier: str | None = None) -> list[Row[Any]]:
    """Every open incident, of one carrier or of all, oldest first."""
    found = select(incidents).where(incidents.c.open_key.is_not(None)).order_by(incidents.c.opened_at, incidents.c.id)
    if carrier is not None:
        found = found.where(incidents.c.carrier == carrier)
    return list((await tx.conn.execute(found)).all())


async def listing(tx: Tx, *, limit: int, carrier: str | None = None) -> list[Row[Any]]:
    """Newest first."""
    found = select(incidents).order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    if carrier is not None:
        found = found.where(incidents.c.carrier == carrier)
    return list((await tx.conn.execute(found)).all())


async def live(tx: Tx, enough: Callable[[int], int]) -> dict[str, Live]:
    """Live legs by carrier; a carrier without any is absent.

    enough: from how many stalled ones, how many legs are to be counted: a look at carriers must not count millions.
    """
    stuck = await stalled(tx)
    carriers = await firsts(tx, legs.c.carrier, legs.c.closed_at.is_(None))
    each = [_live(carrier, enough(stuck.get(carrier, 0))) for carrier in carriers]
    rows = (await tx.conn.execute(union_all(*each))).all() if each else []
    return {row[0]: Live(legs=row[1], stalled=stuck.get(row[0], 0), since=row[2]) for row in rows}


def _live(carrier: str, limit: int) -> Select[Any]:
    under_way = (legs.c.carrier == carrier, legs.c.closed_at.is_(None))
    some = select(literal(1).label("one")).where(*under_way).limit(limit).subquery()
    first = select(func.min(legs.c.opened_at)).where(*under_way).scalar_subquery()
    return select(literal(carrier), select(func.count()).select_from(some).scalar_subquery(), first)


async def stalled(tx: Tx) -> dict[str, int]:
    """How many shipments are stalled now, by carrier."""
    stuck = select(shipments.c.carrier, func.count()).where(shipments.c.stalled, shipments.c.status.not_in(FINAL))
    return {row[0]: row[1] for row in (await tx.conn.execute(stuck.group_by(shipments.c.carrier))).all()}


async def live_legs(tx: Tx, carrier: str | None = None) -> dict[str, int]:
    """How many legs are under way, of a carrier or by carrier: a count of each of them, not for every second."""
    counted = select(legs.c.carrier, func.count()).where(legs.c.closed_at.is_(None)).group_by(legs.c.carrier)
    if carrier is not None:
        counted = counted.where(legs.c.carrier == carrier)
    return {row[0]: row[1] for row in (await tx.conn.execute(counted)).all()}


async def set_circuit(tx: Tx, carrier: str, circuit: str, at: datetime) -> None:
    """closed, open or half_open, since `at`."""
    values = {"circuit": circuit, "circuit_since": at}
    statement = insert(tx, carrier_health).values(carrier=carrier, failures=0, **values)
    await tx.conn.execute(statement.on_conflict_do_update(index_elements=["carrier"], set_=values))
