"""Empty the outbox: claim what is due, run its doer, carry out how it ended.

A doer answers a value (`gateway.outcome`). What it raises becomes one: try again, or call a person; what nobody
expected is logged, tried again and in the end dead, never lost. A doer whose lease was taken over writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from functools import partial

from gateway.contract import CallPerson, TryAgain, Unavailable
from gateway.outcome import Again, Dead, Drop, End, No
from gateway.remedies.doers import DOERS, Doers
from gateway.remedies.ending import carry_out
from gateway.rules.retry import next_try
from gateway.runtime import Runtime
from gateway.store import cases, outbox
from gateway.store.away import StoreAway
from gateway.store.delivery import TOGETHER, keep_many
from gateway.store.queues import LeaseLost
from gateway.store.rows import Row
from gateway.together import Together

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
    hands = _Hands(rt, doers)
    handled = 0
    keeper = asyncio.create_task(hands.keep())
    try:
        while True:
            room = limit - len(hands.under_way) if handled < limit * _ROUNDS else 0
            handled += await hands.claim(room)
            if not hands.under_way:
                return handled
            full = len(hands.under_way) >= limit or handled >= limit * _ROUNDS
            await hands.some_end(None if full else _LOOK_SECONDS)
    finally:
        keeper.cancel()
        await hands.close()
        await asyncio.gather(keeper, return_exceptions=True)


class _Hands:
    """Deeds under way in one pass. What they note and how they end is committed together where it comes together."""

    def __init__(self, rt: Runtime, doers: Doers) -> None:
        self.under_way: dict[asyncio.Task[None], Row] = {}
        self._rt = rt
        self._doers = doers
        self._end: Together[tuple[Row, End], bool] = Together(
            partial(carry_out, rt), most=TOGETHER, everyones=(StoreAway,)
        )

    async def claim(self, limit: int) -> int:
        """Begin with so many that are due; how many there were."""
        if limit <= 0:
            return 0
        async with self._rt.store.write() as tx:
            claimed = await outbox.claim(tx, self._rt.clock(), limit=limit, lease=self._rt.lease)
            states = await cases.states(tx, {deed.case_id for deed in claimed if deed.case_id is not None})
        for deed in claimed:
            self.under_way[asyncio.create_task(self._deliver(deed, states.get(deed.case_id)))] = deed
        return len(claimed)

    async def some_end(self, seconds: float | None) -> None:
        """Until one has ended, or so long."""
        done, _ = await asyncio.wait(self.under_way, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self.under_way[task]
            task.result()

    async def close(self) -> None:
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    async def keep(self) -> None:
        """Keep the leases of all up."""
        while True:
            await asyncio.sleep(self._rt.lease.total_seconds() / 3)
            deeds = list(self.under_way.values())
            try:
                if deeds:
                    async with self._rt.store.write() as tx:
                        await keep_many(tx, deeds, self._rt.clock() + self._rt.lease)
            except Exception as error:
                log.warning("the leases of %d deeds were not kept up: %s", len(deeds), error)

    async def _deliver(self, deed: Row, case_state: str | None) -> None:
        try:
            end = _moot(self._rt, deed, case_state) or await _attempt(self._rt, deed, self._doers)
            if not await self._end((deed, end)):
                raise LeaseLost(deed.id)
        except LeaseLost:
            log.debug("deed %s was taken over by another worker", deed.id)
        except StoreAway:
            log.info(
                "deed %s (%s) was left when the store went; it is claimed again when its lease ends", deed.id, deed.kind
            )
        except Exception:
            # The store failed while the end was written: the lease ends by itself and the deed is claimed again.
            log.exception("the end of deed %s (%s) could not be written", deed.id, deed.kind)


def _moot(rt: Runtime, deed: Row, case_state: str | None) -> End | None:
    """Too early (it waited for another deed, which ended before its time), or too late: a deed of a closed case is done
    only if it was begun, or if it tells how another one ended."""
    not_before = deed.payload.get("not_before")
    if not_before is not None and datetime.fromisoformat(not_before) > rt.clock():
        return Again(due_at=datetime.fromisoformat(not_before), reason="delay", free=True)
    if case_state not in cases.CLOSED or deed.progress or deed.payload.get("anyway"):
        return None
    return Drop(reason=f"the case is {case_state}")


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
