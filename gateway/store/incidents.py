"""Incidents (one cause behind many stalls) and the circuits of carriers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from gateway.domain import FINAL
from gateway.store.engine import Tx
from gateway.store.tables import carrier_health, incidents, legs, shipments
from gateway.store.upsert import insert, insert_new

#: The same lock for everybody who opens or closes incidents and circuits.
_LOCK = 7283411907


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The legs of a carrier that are under way. stalled: how many shipments it holds are stalled. since: the first of
    the legs began."""

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


async def live(tx: Tx) -> dict[str, Live]:
    """Live legs by carrier; a carrier without any is absent. Both counts walk partial indexes."""
    first = func.min(legs.c.opened_at, type_=legs.c.opened_at.type)
    open_legs = select(legs.c.carrier, func.count(), first).where(legs.c.closed_at.is_(None))
    stuck = select(shipments.c.carrier, func.count()).where(shipments.c.stalled, shipments.c.status.not_in(FINAL))
    counted = (await tx.conn.execute(open_legs.group_by(legs.c.carrier))).all()
    stalled = {row[0]: row[1] for row in (await tx.conn.execute(stuck.group_by(shipments.c.carrier))).all()}
    return {row[0]: Live(legs=row[1], stalled=stalled.get(row[0], 0), since=row[2]) for row in counted}


async def set_circuit(tx: Tx, carrier: str, circuit: str, at: datetime) -> None:
    """closed, open or half_open, since `at`."""
    values = {"circuit": circuit, "circuit_since": at}
    statement = insert(tx, carrier_health).values(carrier=carrier, failures=0, **values)
    await tx.conn.execute(statement.on_conflict_do_update(index_elements=["carrier"], set_=values))
