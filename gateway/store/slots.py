"""One guarded row per tick: across processes a slot is taken once."""

from __future__ import annotations

from gateway.store.engine import Tx
from gateway.store.tables import ticks
from gateway.store.upsert import insert


async def take_slot(tx: Tx, name: str, slot: int) -> bool:
    """True for the first who asks for this or a later slot of the tick."""
    statement = insert(tx, ticks).values(name=name, slot=slot)
    taken = statement.on_conflict_do_update(
        index_elements=["name"], set_={"slot": slot}, where=ticks.c.slot < slot
    ).returning(ticks.c.slot)
    return (await tx.conn.execute(taken)).one_or_none() is not None
