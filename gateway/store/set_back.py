"""What a clock that ran ahead has left behind, put right when it has been set back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, type_coerce, update

from gateway.store.engine import Tx
from gateway.store.tables import carrier_health, inbox, legs, outbox, polls, watches

#: When something was heard: no later than now, or it would count as news for as long as the clock was wrong.
_PAST = (legs.c.polled_at, legs.c.heard_at, carrier_health.c.heard_at, carrier_health.c.pushed_at)


async def set_back(tx: Tx, now: datetime, by: timedelta, beyond: datetime) -> int:
    """Bring forward by so much what is due after `beyond`; how many rows.

    What a right clock had scheduled is then due too soon, which is harmless: whoever takes it looks whether its time
    has come, and puts it back.
    """
    moved = 0
    micros = by // timedelta(microseconds=1)
    for table in (inbox, outbox, polls, watches):
        sooner = type_coerce(table.c.due_at, BigInteger) - micros
        moved += (await tx.conn.execute(update(table).where(table.c.due_at > beyond).values(due_at=sooner))).rowcount
    for column in _PAST:
        await tx.conn.execute(update(column.table).where(column > now).values({column: now}))
    since = carrier_health.c.failing_since
    await tx.conn.execute(update(carrier_health).where(since > now).values(failing_since=now))
    return moved
