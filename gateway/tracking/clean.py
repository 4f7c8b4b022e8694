"""What has waited or was kept long enough is forgotten: a chore of the clock."""

from __future__ import annotations

from datetime import timedelta

from gateway.runtime import Runtime
from gateway.store import inbox, strays
from gateway.store.deadline import LONG

#: How long a push that was read can still be replayed.
KEEP_READ = timedelta(days=30)


async def clean(rt: Runtime) -> int:
    """Strays nobody registered in time, and pushes that were read long ago: how many. Quarantined ones stay."""
    now = rt.clock()
    async with rt.store.write(within=LONG) as tx:
        return await strays.expire(tx, now) + await inbox.clean(tx, now - KEEP_READ)
