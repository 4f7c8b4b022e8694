"""Reading a carrier's pushes again, after its adapter was mended: `gateway replay --carrier X --since T`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.runtime import Runtime
from gateway.store import inbox
from gateway.tracking.pushes import replay

_AT_ONCE = 200


@dataclass(slots=True, kw_only=True)
class Replayed:
    """read: pushes read again; unreadable: those that still cannot be read, by id."""

    read: int = 0
    unreadable: list[int] = field(default_factory=list)


async def replay_since(rt: Runtime, carrier: str, since: datetime) -> Replayed:
    """Every push of a carrier kept since then, oldest first. Nobody is told, nothing is paid; repeating is harmless."""
    wanted = await _ids(rt, carrier, since)
    result = Replayed()
    for inbox_id in reversed(wanted):
        why = await replay(rt, inbox_id)
        result.read += 1
        if why is not None:
            result.unreadable.append(inbox_id)
    return result


async def _ids(rt: Runtime, carrier: str, since: datetime) -> list[int]:
    """Newest first; what waits to be read for the first time is left to its reader."""
    found: list[int] = []
    before: int | None = None
    while True:
        async with rt.store.read() as tx:
            rows = await inbox.listing(tx, carrier=carrier, limit=_AT_ONCE, before=before)
        found += [row.id for row in rows if row.received_at >= since and row.state != inbox.WAITING]
        if len(rows) < _AT_ONCE or rows[-1].received_at < since:
            return found
        before = rows[-1].id
