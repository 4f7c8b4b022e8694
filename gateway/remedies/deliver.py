"""Empty the outbox: claim what is due, run its doer, carry out how it ended.

A doer answers a value (`gateway.outcome`). What it raises becomes one: try again, or call a person; what nobody
expected is logged, tried again and in the end dead, never lost. A doer whose lease was taken over writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from gateway.contract import CallPerson, TryAgain, Unavailable
from gateway.outcome import Again, Dead, Drop, End, No
from gateway.remedies.doers import DOERS, Doers
from gateway.remedies.ending import carry_out
from gateway.rules.retry import next_try
from gateway.runtime import Runtime
from gateway.store import cases, outbox
from gateway.store.away import StoreAway
from gateway.store.queues import LeaseLost
from gateway.store.rows import Row

log = logging.getLogger(__name__)

#: No doer is longer under way in one go. Its lease is kept up meanwhile: it may be shorter, so that one that died is
#: replaced soon.
_SECONDS = 75.0
#: While something slow is under way, how often what became due meanwhile is looked for.
_LOOK_SECONDS = 0.5
#: One pass handles at most so many times `limit`, so that a loop that is told to stop can.
_ROUNDS = 20


async def deliver_due(rt: Runtime, limit: int = 16, *, doers: Doers = DOERS) -> int:
    """Do everything that is due, `limit` deeds at once; how many were handled. One slow deed holds up no other."""
    under_way: set[asyncio.Task[None]] = set()
    handled = 0
    try:
        while True:
            claimed = await _claim(rt, limit - len(under_way)) if handled < limit * _ROUNDS else []
            handled += len(claimed)
            under_way |= {asyncio.create_task(_deliver(rt, deed, doers)) for deed in claimed}
            if not under_way:
                return handled
            full = len(under_way) >= limit or handled >= limit * _ROUNDS
            wait = None if full else _LOOK_SECONDS
            done, under_way = await asyncio.wait(under_way, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _claim(rt: Runtime, limit: int) -> list[Row]:
    if limit <= 0:
        return []
    async with rt.store.write() as tx:
        return await outbox.claim(tx, rt.clock(), limit=limit, lease=rt.lease)


async def _deliver(rt: Runtime, deed: Row, doers: Doers) -> None:
    try:
        async with _kept(rt, deed):
            end = await _moot(rt, deed) or await _attempt(rt, deed, doers)
        await carry_out(rt, deed, end)
    except LeaseLost:
        log.debug("deed %s was taken over by another worker", deed.id)
    except StoreAway:
        log.info(
            "deed %s (%s) was left when the store went; it is claimed again when its lease ends", deed.id, deed.kind
        )
    except Exception:
        # The store failed while the end was written: the lease ends by itself and the deed is claimed again.
        log.exception("the end of deed %s (%s) could not be written", deed.id, deed.kind)


@asynccontextmanager
async def _kept(rt: Runtime, deed: Row) -> AsyncIterator[None]:
    """Keep the lease up while the block lasts."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(rt.lease.total_seconds() / 3)
            async with rt.store.write() as tx:
                await outbox.keep(tx, deed, rt.clock() + rt.lease)

    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
        (ended,) = await asyncio.gather(keeper, return_exceptions=True)
        if isinstance(ended, Exception) and not isinstance(ended, LeaseLost):
            log.warning("the lease of deed %s was not kept up: %s", deed.id, ended)


async def _moot(rt: Runtime, deed: Row) -> End | None:
    """Too early (it waited for another deed, which ended before its time), or too late: a deed of a closed case is done
    only if it was begun, or if it tells how another one ended."""
    not_before = deed.payload.get("not_before")
    if not_before is not None and datetime.fromisoformat(not_before) > rt.clock():
        return Again(due_at=datetime.fromisoformat(not_before), reason="delay", free=True)
    if deed.case_id is None or deed.progress or deed.payload.get("anyway"):
        return None
    async with rt.store.read() as tx:
        case = await cases.get(tx, deed.case_id)
    if case is None or case.state not in cases.CLOSED:
        return None
    return Drop(reason=f"the case is {case.state}")


async def _attempt(rt: Runtime, deed: Row, doers: Doers) -> End:
    doer = doers.get(deed.kind)
    if doer is None:
        return No(reason=f"nobody here does {deed.kind}")
    try:
        async with asyncio.timeout(_SECONDS):
            return await doer(rt, deed)
    except (LeaseLost, StoreAway):
        raise
    except TryAgain as error:
        return _later(rt, deed, str(error), error)
    except CallPerson as error:
        return No(reason=str(error), result={"code": error.code} if error.code else None)
    except TimeoutError:
        return _later(rt, deed, f"no answer within {_SECONDS:.0f} s")
    except Exception as error:
        log.exception("deed %s (%s) failed unexpectedly", deed.id, deed.kind)
        return _later(rt, deed, f"{type(error).__name__}: {error}")


def _later(rt: Runtime, deed: Row, reason: str, error: TryAgain | None = None) -> End:
    retry_after = error.retry_after if isinstance(error, Unavailable) else None
    due_at = next_try(deed.attempts, retry_after, deed.id, rt.clock())
    return Dead(reason=reason) if due_at is None else Again(due_at=due_at, reason=reason)
