"""Taking back what was not used: the parcel arrived by its promise after all; and what is over expires."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cases.announce import announce
from gateway.domain import Status
from gateway.remedies.view import grant_view
from gateway.rules.compensation import to_withdraw
from gateway.runtime import Runtime
from gateway.store import cases, ledger
from gateway.store.engine import Tx
from gateway.tracking.change import Change

_WHY = "arrived in time after all"


async def follow(rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
    """Called in the transaction of every change. An arrival that was only inferred takes nothing back."""
    in_time = {(change.after.order_id, change.shipment_id) for change in changes if _in_time(rt, change)}
    for row in await ledger.unused(tx, in_time):
        await ledger.change(tx, row.id, states=("issued",), state="withdrawn", reason=_WHY)
        await cases.event(tx, row.case_id, rt.clock(), "gateway", f"{row.kind}.withdrawn", {"grant_id": row.id})
        shown = {**grant_view(row), "state": "withdrawn", "reason": _WHY}
        await announce(rt, tx, "coupon.withdrawn", row.id, shown)


def _in_time(rt: Runtime, change: Change) -> bool:
    after = change.after
    arrived = after.status is Status.DELIVERED and not change.state.inferred
    return arrived and to_withdraw(rt.policies.compensation, after.promised_at, after.delivered_at)


async def expire(rt: Runtime) -> int:
    """Grants whose last day has passed; how many. For the clock."""
    async with rt.store.write() as tx:
        return await ledger.expire(tx, rt.clock())
