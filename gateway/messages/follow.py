"""Which changes of a shipment are news to its customer: written to the outbox in the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.domain import FINAL, Status
from gateway.rules.news import news
from gateway.runtime import Runtime
from gateway.store import outbox
from gateway.store.engine import Tx
from gateway.store.outbox import Deed
from gateway.tracking.change import Change

#: The kind of deed that tells a customer of a status.
NEWS = "news"


async def follow(rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
    """One deed per status and day (finals: once), so that a parcel that flaps between two statuses is told of once."""
    now = rt.clock()
    deeds = [deed for change in changes if not change.replay and (deed := _deed(rt, change, now)) is not None]
    await outbox.add_many(tx, deeds, now)
    if deeds:
        tx.after_commit(lambda: rt.signals.wake("outbox"))


def _deed(rt: Runtime, change: Change, now: datetime) -> Deed | None:
    before = change.before.status if change.before else None
    entry = news(before, change.state, rt.policies.messages, now)
    if entry is None or change.state.since is None:
        return None
    status = change.state.status
    return Deed(
        kind=NEWS,
        key=f"news:{change.shipment_id}:{_occasion(status, change)}",
        shipment_id=change.shipment_id,
        due_at=now,
        payload={"news": entry.model_dump(mode="json"), "status": status, "at": change.state.since.isoformat()},
    )


def _occasion(status: Status, change: Change) -> str:
    if status in FINAL or change.state.since is None:
        return status
    return f"{status}:{change.state.since.date().isoformat()}:{change.leg_id}"
