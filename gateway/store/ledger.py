"""Money that was granted, at most once per claim (order | kind of case | policy version).

States: issued, withdrawn, redeemed, expired, refused. Whoever counts and then grants takes `alone` first, so that two
workers cannot both find room under a cap.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Numeric, Row, cast, func, select, update

from gateway.store.engine import Tx
from gateway.store.paging import below
from gateway.store.tables import ledger
from gateway.store.upsert import insert_new

#: What counts against caps: a grant that was taken back or refused does not.
_GIVEN = ("issued", "redeemed", "expired")
#: What counts against a budget: money that is, or may still be, spent.
_SPENT = ("issued", "redeemed")
_LOCK = 7283411906


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How many grants there are already, over all kinds."""

    order: int
    customer: int
    address: int
    day: int


async def alone(tx: Tx) -> None:
    """No other worker counts or grants until this transaction ends. SQLite has one writer anyway."""
    if tx.dialect == "postgresql":
        await tx.conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


async def add(tx: Tx, **values: Any) -> bool:
    """Write a grant. False when its claim (or its code) is there already."""
    return await insert_new(tx, ledger, values)


async def get(tx: Tx, grant_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(ledger).where(ledger.c.id == grant_id))).one_or_none()


async def by_claim(tx: Tx, claim: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(ledger).where(ledger.c.claim == claim))).one_or_none()


async def by_code(tx: Tx, code: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(ledger).where(ledger.c.code == code))).one_or_none()


async def change(tx: Tx, grant_id: str, *, states: Sequence[str], **values: Any) -> bool:
    """Write to a grant that is in one of `states`. False when it is not, or not there."""
    done = update(ledger).where(ledger.c.id == grant_id, ledger.c.state.in_(states)).values(**values)
    return (await tx.conn.execute(done)).rowcount == 1


async def given(tx: Tx, *, order_id: str, customer: str, address: str, month_ago: datetime, today: datetime) -> Given:
    """Grants of this order ever, of this customer and address since `month_ago`, of everybody since `today`."""
    month = ledger.c.issued_at >= month_ago
    return Given(
        order=await _count(tx, ledger.c.order_id == order_id),
        customer=await _count(tx, ledger.c.customer == customer, month) if customer else 0,
        address=await _count(tx, ledger.c.address == address, month) if address else 0,
        day=await _count(tx, ledger.c.issued_at >= today),
    )


async def spent(tx: Tx, currency: str, since: datetime) -> Decimal:
    """Money granted in a currency since then. Summed as cents: the amounts are texts with at most two decimals."""
    cents = cast(func.round(cast(ledger.c.amount, Numeric) * 100), BigInteger)
    total = select(func.coalesce(func.sum(cents), 0)).where(
        ledger.c.currency == currency, ledger.c.issued_at >= since, ledger.c.state.in_(_SPENT)
    )
    return Decimal(int((await tx.conn.execute(total)).scalar_one())) / 100


async def unused(tx: Tx, parcels: Collection[tuple[str, str]]) -> list[Row[Any]]:
    """Grants of (order id, shipment id) that were issued and not used, locked."""
    if not parcels:
        return []
    orders, shipments = zip(*parcels, strict=True)
    found = select(ledger).where(
        ledger.c.order_id.in_(orders), ledger.c.shipment_id.in_(shipments), ledger.c.state == "issued"
    )
    rows = (await tx.conn.execute(found.order_by(ledger.c.id).with_for_update())).all()
    return [row for row in rows if (row.order_id, row.shipment_id) in parcels]


async def of_case(tx: Tx, case_id: str) -> list[Row[Any]]:
    return list((await tx.conn.execute(select(ledger).where(ledger.c.case_id == case_id).order_by(ledger.c.id))).all())


async def expire(tx: Tx, now: datetime) -> int:
    """Grants whose last day has passed are expired. How many."""
    over = update(ledger).where(ledger.c.state == "issued", ledger.c.expires_at <= now).values(state="expired")
    return (await tx.conn.execute(over)).rowcount


async def listing(
    tx: Tx,
    *,
    limit: int,
    state: str | None = None,
    order_id: str | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Row[Any]]:
    """Newest first, below (issued_at, id) `before`."""
    found = select(ledger)
    if state is not None:
        found = found.where(ledger.c.state == state)
    if order_id is not None:
        found = found.where(ledger.c.order_id == order_id)
    if before is not None:
        found = found.where(below(ledger.c.issued_at, ledger.c.id, before))
    found = found.order_by(ledger.c.issued_at.desc(), ledger.c.id.desc()).limit(limit)
    return list((await tx.conn.execute(found)).all())


async def _count(tx: Tx, *where: Any) -> int:
    counted = select(func.count()).select_from(ledger).where(ledger.c.state.in_(_GIVEN), *where)
    return int((await tx.conn.execute(counted)).scalar_one())
