"""Legs: one carrier's attempt at a shipment, with the whole history it told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from json import dumps
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from gateway.store import bulk
from gateway.store.engine import Tx
from gateway.store.tables import legs, shipments

#: (carrier, tracking number), the name of a leg.
Key = tuple[str, str]


async def add(tx: Tx, values: Mapping[str, Any]) -> None:
    await tx.conn.execute(insert(legs).values(**values))


async def get(tx: Tx, leg_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(legs).where(legs.c.id == leg_id))).one_or_none()


async def of_shipments(tx: Tx, ids: Iterable[str]) -> list[Row[Any]]:
    """By shipment, the first leg first. Whoever means to write holds the shipments (`shipments.locked`)."""
    found = select(legs).where(bulk.among(tx, legs.c.shipment_id, ids)).order_by(legs.c.shipment_id, legs.c.ordinal)
    return list((await tx.conn.execute(found)).all())


async def named(tx: Tx, keys: Iterable[Key]) -> dict[Key, Any]:
    """The legs of these names: id, shipment_id, carrier, tracking_number."""
    wanted = set(keys)
    columns = (legs.c.id, legs.c.shipment_id, legs.c.carrier, legs.c.tracking_number)
    found = select(*columns).where(bulk.among(tx, legs.c.tracking_number, {number for _, number in wanted}))
    rows = (await tx.conn.execute(found)).all() if wanted else ()
    return {key: row for row in rows if (key := (row.carrier, row.tracking_number)) in wanted}


async def of_number(tx: Tx, number: str, carrier: str | None = None) -> list[Row[Any]]:
    """The legs a number may mean: it is unique only within a carrier."""
    found = select(legs).where(legs.c.tracking_number == number).order_by(legs.c.carrier)
    if carrier is not None:
        found = found.where(legs.c.carrier == carrier)
    return list((await tx.conn.execute(found)).all())


async def around(tx: Tx, number: str) -> list[Row[Any]]:
    """Every leg of every shipment that has one of this number, the first leg first."""
    owners = select(legs.c.shipment_id).where(legs.c.tracking_number == number)
    found = select(legs).where(legs.c.shipment_id.in_(owners)).order_by(legs.c.shipment_id, legs.c.ordinal)
    return list((await tx.conn.execute(found)).all())


async def stamp(tx: Tx, number: str) -> list[tuple[str, int, datetime]]:
    """What tells an answer about a number from a later one: its shipments, their sequences and last changes."""
    columns = (shipments.c.id, shipments.c.sequence, shipments.c.updated_at)
    joined = select(*columns).distinct().join(legs, legs.c.shipment_id == shipments.c.id)
    rows = await tx.conn.execute(joined.where(legs.c.tracking_number == number).order_by(shipments.c.id))
    return [(row[0], row[1], row[2]) for row in rows.all()]


async def hold_names(tx: Tx, keys: Iterable[Key]) -> None:
    """Nobody else registers or waits for these names until this transaction ends.

    Without it a scan that came before its registration and the registration could miss each other: neither sees what
    the other has not committed. SQLite has one writer anyway.
    """
    if tx.dialect == "sqlite":
        return
    for carrier, number in sorted(keys):
        await tx.conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{carrier}|{number}", 0))))


async def put(tx: Tx, leg_id: str, values: Mapping[str, Any]) -> None:
    await tx.conn.execute(update(legs).where(legs.c.id == leg_id).values(**values))


async def put_many(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write columns of many legs; each row names its `id`."""
    await bulk.put_many(tx, legs, rows)


async def answered(tx: Tx, leg_ids: Sequence[str], at: datetime) -> None:
    """The carrier answered a poll of these legs, whether it knew them or not."""
    if leg_ids:
        await tx.conn.execute(update(legs).where(legs.c.id.in_(leg_ids)).values(polled_at=at))


async def subscribed(tx: Tx, leg_id: str, until: datetime) -> None:
    """The carrier was asked to push this leg. until: a day far off where the provider never forgets."""
    await tx.conn.execute(update(legs).where(legs.c.id == leg_id).values(subscribed_until=until))


async def telling(tx: Tx, provider: str, code: str, *, after: str = "", limit: int = 200) -> list[Any]:
    """Legs whose history holds this provider and code, in the order of their ids: (id, shipment_id, history).

    A search through text, for the rare deed of reading history again; whoever reads looks at the scans themselves.
    """
    # Without the closing quote: of a very long code only the beginning is known.
    words = (dumps(word, ensure_ascii=False)[:-1] for word in (provider, code))
    held = [legs.c.history.contains(word, autoescape=True) for word in words]
    found = select(legs.c.id, legs.c.shipment_id, legs.c.history).where(legs.c.id > after, *held)
    return list((await tx.conn.execute(found.order_by(legs.c.id).limit(limit))).all())
