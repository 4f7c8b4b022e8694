"""Every change of a shipment sets its watch anew; what moved is no longer stalled, at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.domain import FINAL
from gateway.runtime import Runtime
from gateway.stalls.look import by_clock, look, surroundings
from gateway.store import cases, watches
from gateway.store.engine import Tx
from gateway.tracking.change import Change


async def follow(rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
    """Called in the transaction of every change. Looks at once where a case may be over; else the sweep does, soon.

    History that is read again says nothing of this moment, so the sweep judges it as it judges all.
    """
    now = rt.clock()
    heard = [change for change in changes if not change.replay]
    open_cases = await cases.open_of_shipments(tx, [change.shipment_id for change in heard])
    at_once = [
        change
        for change in heard
        if _ended(change) or change.after.stalled or any(by_clock(one.kind) for one in open_cases[change.shipment_id])
    ]
    next_at: dict[str, datetime | None] = dict.fromkeys((change.shipment_id for change in changes), now)
    around = await surroundings(rt, tx, [(one.after, one.state, one.legs) for one in at_once], open_cases)
    for one in at_once:
        # The carrier is telling us something at this moment: whatever was wrong with hearing it, it is heard.
        next_at[one.shipment_id] = await look(
            rt, tx, one.after, one.state, one.legs, around, blind=False, heard_at=now, moved=False
        )
    await watches.schedule_many(tx, list(next_at.items()))
    if len(at_once) < len(changes):
        tx.after_commit(lambda: rt.signals.wake("watches"))


def _ended(change: Change) -> bool:
    return change.after.status in FINAL or not change.after.watching
