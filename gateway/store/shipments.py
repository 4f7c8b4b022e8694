"""Shipments: one row each, locked by whoever is about to change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, and_, insert, select, union, update

from gateway.store import bulk
from gateway.store.engine import Tx
from gateway.store.tables import legs, shipments


async def add(tx: Tx, values: Mapping[str, Any]) -> None:
    await tx.conn.execute(insert(shipments).values(**values))


async def get(tx: Tx, shipment_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(shipments).where(shipments.c.id == shipment_id))).one_or_none()


async def of_ids(tx: Tx, ids: Iterable[str]) -> list[Row[Any]]:
    found = select(shipments).where(shipments.c.id.in_(list(ids)))
    return list((await tx.conn.execute(found)).all())


async def locked(tx: Tx, ids: Iterable[str]) -> list[Row[Any]]:
    """Lock shipments until the end of the transaction, always in the order of their ids: two workers never deadlock."""
    found = select(shipments).where(bulk.among(tx, shipments.c.id, set(ids))).order_by(shipments.c.id).with_for_update()
    return list((await tx.conn.execute(found)).all())


async def put(tx: Tx, shipment_id: str, values: Mapping[str, Any], *, moved: bool = True) -> Row[Any]:
    """Write columns of a shipment, under the next sequence if it moved. The row as it is now."""
    following = {"sequence": shipments.c.sequence + 1} if moved else {}
    written = update(shipments).where(shipments.c.id == shipment_id).values(**values, **following)
    row: Row[Any] = (await tx.conn.execute(written.returning(shipments))).one()
    return row


async def put_many(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write columns of many locked shipments; each row names its `id`."""
    await bulk.put_many(tx, shipments, rows)


async def of_order(tx: Tx, order_id: str) -> list[Row[Any]]:
    """Every parcel of an order, the first registered first."""
    found = select(shipments).where(shipments.c.order_id == order_id).order_by(shipments.c.created_at, shipments.c.id)
    return list((await tx.conn.execute(found)).all())


#: Of orders, and of numbers, that begin with what is searched: who has more of them must say more.
_MOST = 500
#: After every character that a beginning can go on with.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Absent fields match everything. q: an order id, or a tracking number of any leg, as its beginning; of very many
    that begin so, some."""

    status: str | None = None
    carrier: str | None = None
    order_id: str | None = None
    stalled: bool | None = None
    late: bool | None = None
    q: str | None = None


async def listing(tx: Tx, wanted: Filter, *, limit: int, before: str | None = None) -> list[Row[Any]]:
    """The newest registered first, those with an id below `before`."""
    found = select(shipments).where(*_matches(wanted, tx.dialect)).order_by(shipments.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(shipments.c.id < before)
    return list((await tx.conn.execute(found)).all())


def _matches(wanted: Filter, dialect: str) -> Sequence[Any]:
    names = ("status", "carrier", "order_id", "stalled", "late")
    given = [shipments.c[name] == value for name in names if (value := getattr(wanted, name)) is not None]
    if wanted.q:
        number = "".join(wanted.q.split()).upper()  # as they are kept
        ordered = select(shipments.c.id).where(_begins(dialect, shipments.c.order_id, wanted.q)).limit(_MOST)
        numbered = select(legs.c.shipment_id).where(_begins(dialect, legs.c.tracking_number, number)).limit(_MOST)
        found = union(select(ordered.subquery()), select(numbered.subquery()))
        given.append(shipments.c.id.in_(found))
    return given


def _begins(dialect: str, column: Column[str], text: str) -> ColumnElement[bool]:
    """In the words for which each store has an index."""
    if dialect == "sqlite":
        return and_(column >= text, column < text + _LAST)
    return column.startswith(text, autoescape=True)


async def mentioning(tx: Tx, text: str) -> list[Row[Any]]:
    """Shipments whose registration holds this very text (a phone, a mail address): for erasing a person's data."""
    found = select(shipments).where(shipments.c.document.contains(text, autoescape=True)).order_by(shipments.c.id)
    return list((await tx.conn.execute(found)).all())
