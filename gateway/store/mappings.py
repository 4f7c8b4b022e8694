"""Codes nobody has read yet, and what operators say they mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select

from gateway.contract import Meaning
from gateway.domain import Reason, Status
from gateway.store.engine import Tx
from gateway.store.tables import mappings, unmapped
from gateway.store.upsert import insert

#: (row of carriers.yaml that told it, its code)
Code = tuple[str, str]
SAMPLES = 5


async def of(tx: Tx, codes: Collection[Code]) -> dict[Code, Meaning]:
    """What operators have said about these codes."""
    if not codes:
        return {}
    found = select(mappings).where(mappings.c.carrier_code.in_({code for _, code in codes}))
    rows = (await tx.conn.execute(found)).all()
    every = {(row.carrier, row.carrier_code): _meaning(row) for row in rows}
    return {code: meaning for code, meaning in every.items() if code in codes}


def _meaning(row: Row[Any]) -> Meaning:
    return Meaning(Status(row.status), Reason(row.reason) if row.reason else None)


async def put(tx: Tx, code: Code, meaning: Meaning, *, who: str, at: datetime) -> None:
    """What a code means from now on."""
    values = {"status": meaning.status, "reason": meaning.reason, "who": who, "at": at}
    added = insert(tx, mappings).values(carrier=code[0], carrier_code=code[1], **values)
    await tx.conn.execute(added.on_conflict_do_update(index_elements=["carrier", "carrier_code"], set_=values))


async def count(tx: Tx, seen: Mapping[Code, list[str]], at: datetime) -> None:
    """Unknown codes were told, each as often as it has texts; the first few different texts are kept as samples."""
    for (carrier, code), texts in sorted(seen.items()):
        row = await _counted(tx, carrier, code, len(texts), at)
        samples = list(dict.fromkeys([*row.samples, *(text for text in texts if text)]))[:SAMPLES]
        if samples != row.samples:
            where = and_(unmapped.c.carrier == carrier, unmapped.c.carrier_code == code)
            await tx.conn.execute(unmapped.update().where(where).values(samples=samples))


async def _counted(tx: Tx, carrier: str, code: str, times: int, at: datetime) -> Row[Any]:
    first = {"count": times, "first_seen": at, "last_seen": at, "samples": []}
    added = insert(tx, unmapped).values(carrier=carrier, carrier_code=code, **first)
    again = {"count": unmapped.c.count + times, "last_seen": at}
    upserted = added.on_conflict_do_update(index_elements=["carrier", "carrier_code"], set_=again)
    row: Row[Any] = (await tx.conn.execute(upserted.returning(unmapped))).one()
    return row


async def unread(tx: Tx, *, limit: int = 200) -> list[Row[Any]]:
    """Codes without a meaning, the most frequent first."""
    same = and_(mappings.c.carrier == unmapped.c.carrier, mappings.c.carrier_code == unmapped.c.carrier_code)
    found = select(unmapped).outerjoin(mappings, same).where(mappings.c.carrier.is_(None))
    ordered = found.order_by(unmapped.c.count.desc(), unmapped.c.carrier, unmapped.c.carrier_code)
    return list((await tx.conn.execute(ordered.limit(limit))).all())
