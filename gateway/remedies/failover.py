"""Failover: a backup carrier takes over, honest about physics (house.md, Failover kinds 3 and 4).

Before hand-over: cancel leg A, then book leg B. In this order, because a parcel has one label: with two live bookings
both carriers come for it and both are paid, and only a cancellation that was accepted proves that A does not have the
parcel. What may happen in between (no backup takes it) leaves a parcel in our own hands and a person who is told; the
other order would leave a second booking to pay for whenever A has picked up meanwhile.

After hand-over nobody can move a parcel that is inside carrier A: A is asked to stop it where its API can, the order
system is asked for a replacement, and a person says when stock is there; then leg B is booked.

Every call is preceded by a note of what is begun. Whoever takes over looks first: at the leg, or for the booking under
its key. A booking is repeated only under its own key, another carrier is asked only after a definite no.
"""

from __future__ import annotations

from gateway.outcome import Done, Drop, End
from gateway.remedies.booking import book
from gateway.remedies.cancelling import take_away
from gateway.remedies.replacing import ask_for_replacement, confirmed
from gateway.remedies.work import REPLACEMENT, Stop, Work
from gateway.runtime import Runtime
from gateway.store.rows import Row


async def fail_over(rt: Runtime, deed: Row) -> End:
    """The doer of deeds of kind "failover". Raises ContractError when a carrier could not be asked."""
    work = Work(rt, deed, dict(deed.progress))
    try:
        return await _fail_over(work)
    except Stop as stop:
        return stop.end


async def _fail_over(work: Work) -> End:
    if work.deed.payload.get("step") == REPLACEMENT:
        if not await confirmed(work):
            return Drop(reason="no replacement is wanted")
        return await book(work, handed_over=True)
    if "requested" in work.progress:
        return Done(result=work.progress["requested"])
    if "cancelled" in work.progress:
        return await book(work, handed_over=False)
    stopping = "intercept" in (*work.progress, work.progress.get("begun"))
    if not stopping and await take_away(work):
        return await book(work, handed_over=False)
    return await ask_for_replacement(work)
