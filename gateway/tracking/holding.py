"""Claimed legs stay with the process that asks about them for as long as it lives, and no longer.

A leg may wait long for its turn, a token and an answer; one whose process died is taken over after a single lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from gateway.runtime import Runtime
from gateway.store import polls
from gateway.store.away import StoreAway

log = logging.getLogger(__name__)


@asynccontextmanager
async def holding(rt: Runtime, leg_ids: Sequence[str], until: datetime) -> AsyncIterator[None]:
    """Within this the leases that end at `until` are kept up, each until its poll has ended."""
    keeper = asyncio.create_task(_keep(rt, leg_ids, until), name="polls:keep")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(rt: Runtime, leg_ids: Sequence[str], until: datetime) -> None:
    while leg_ids:
        await asyncio.sleep(rt.lease.total_seconds() / 3)
        later = rt.clock() + rt.lease
        try:
            async with rt.store.write() as tx:
                leg_ids = await polls.keep(tx, leg_ids, until, later)
            until = later
        except StoreAway:
            continue  # what comes of its absence is handed back when it is there again (Polling)
        except Exception:
            log.exception("the leases of %d legs were not kept up", len(leg_ids))
