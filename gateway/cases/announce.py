"""Events for whoever subscribed to them (api.md, Order system): written in the transaction in which they happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.runtime import Runtime
from gateway.store import outbox
from gateway.store.engine import Tx
from gateway.store.outbox import Deed

EVENT = "event"


async def announce(rt: Runtime, tx: Tx, event: str, subject: str, data: Mapping[str, Any]) -> None:
    """A deed of kind "event". subject: what tells two events of one name apart; the same one twice is one event.

    Its payload: {"event": "case.opened", "at": ISO time, "data": {...}}.
    """
    now = rt.clock()
    payload = {"event": event, "at": now.isoformat(), "data": dict(data)}
    await outbox.add(tx, Deed(kind=EVENT, key=f"event:{event}:{subject}", payload=payload, due_at=now), now)
    tx.after_commit(lambda: rt.signals.wake("outbox"))
