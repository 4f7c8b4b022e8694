"""One guarded row per tick: across processes a slot is taken once."""

from __future__ import annotations

from sqlalchemy import or_

from gateway.store.engine import Tx
from gateway.store.tables import ticks
from gateway.store.upsert import insert


async def take_slot(tx: Tx, name: str, slot: int, *, ahead: int) -> bool:
    """True for the first who asks for this or a later slot of the tick.

    ahead: by so many slots the clocks of processes may differ. A slot further in the future was taken by a clock that
    was wrong: without this the tick would stand still until then.
    """
    statement = insert(tx, ticks).values(name=name, slot=slot)
    taken = statement.on_conflict_do_update(
        index_elements=["name"], set_={"slot": slot}, where=or_(ticks.c.slot < slot, ticks.c.slot > slot + ahead)
    ).returning(ticks.c.slot)
    return (await tx.conn.execute(taken)).one_or_none() is not None
