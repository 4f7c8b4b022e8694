"""Every change of a shipment sets its watch anew; what moved is no longer stalled, at once."""

from __future__ import annotations

from gateway.domain import FINAL
from gateway.runtime import Runtime
from gateway.stalls.look import by_clock, look
from gateway.store import cases, legs, watches
from gateway.store.engine import Tx
from gateway.tracking.change import Change
from gateway.tracking.journey import Leg


async def follow(rt: Runtime, tx: Tx, change: Change) -> None:
    """Called in the transaction of every change. Looks at once where a case may be over; else the sweep does, soon.

    History that is read again says nothing of this moment, so the sweep judges it as it judges all.
    """
    after, now = change.after, rt.clock()
    ended = after.status in FINAL or not after.watching
    if change.replay or not (ended or after.stalled or await _has_case(tx, change.shipment_id)):
        await watches.schedule(tx, change.shipment_id, now)
        tx.after_commit(lambda: rt.signals.wake("watches"))
        return
    rows = [Leg.of(row) for row in await legs.of_shipments(tx, [change.shipment_id])]
    # The carrier is telling us something at this moment: whatever was wrong with hearing it, it is heard.
    next_at = await look(rt, tx, after, change.state, rows, blind=False, heard_at=now, moved=False)
    await watches.schedule(tx, change.shipment_id, next_at)


async def _has_case(tx: Tx, shipment_id: str) -> bool:
    return any(by_clock(case.kind) for case in await cases.open_of_shipment(tx, shipment_id))
