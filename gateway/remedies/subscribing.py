"""Asking a carrier to push a leg, and asking again before it forgets."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.contract import Unavailable
from gateway.outcome import Again, Done, Drop, End
from gateway.plugins import Carrier
from gateway.remedies.parcel import leg_ref
from gateway.runtime import Runtime
from gateway.store import legs, outbox, shipments
from gateway.store.outbox import Deed
from gateway.store.rows import Row
from gateway.tracking.accounts import MOST_PAUSE, Way, account
from gateway.tracking.asking import note_failure
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg
from gateway.tracking.pace import reader

#: Asked again when so much of a subscription's life is over.
_RENEW = 0.8
#: What "it lasts" means in a column that holds an instant.
_LASTS = timedelta(days=3650)


async def subscribe(rt: Runtime, deed: Row) -> End:
    """The doer of "subscribe". payload: leg_id, carrier. Repeating it is harmless (`CarrierAdapter.subscribe`)."""
    async with rt.store.read() as tx:
        row = await legs.get(tx, deed.payload["leg_id"])
        shipment = await shipments.get(tx, row.shipment_id) if row is not None else None
    if row is None or shipment is None or row.closed_at is not None or not shipment.watching:
        return Drop(reason="the leg is no longer watched")
    carrier = rt.carriers.get(row.carrier)
    if carrier is None:
        return Drop(reason=f"{row.carrier} is switched off")
    rest = await rt.limits.paused(account(carrier))
    if rest:
        return Again(
            due_at=rt.clock() + timedelta(seconds=rest), reason=f"{carrier.code} wants no calls now", free=True
        )
    try:
        await carrier.adapter.subscribe(leg_ref(rt, Snapshot.of(shipment), Leg.of(row)))
    except Unavailable as error:
        if error.retry_after is not None:
            await _leave_alone(rt, carrier, error, error.retry_after)
        raise
    life = carrier.adapter.subscription_life
    until = rt.clock() + (_LASTS if life is None else timedelta(seconds=life))
    async with rt.store.write() as tx:
        await legs.subscribed(tx, row.id, until)
        if life is not None:
            await outbox.add(tx, _renewal(deed, rt.clock() + timedelta(seconds=life * _RENEW)), rt.clock())
    return Done(kept=False)  # the leg says until when


async def _leave_alone(rt: Runtime, carrier: Carrier, error: Unavailable, seconds: float) -> None:
    """What else the account is to be asked for waits as well. A pause that is longer than any of ours counts as failed
    polls: none is made meanwhile that could fail."""
    if seconds > MOST_PAUSE and reader(rt, carrier.code) is carrier:
        await note_failure(rt, Way(provider=carrier, own=True), error)
    else:
        await rt.limits.pause(account(carrier), seconds)


def _renewal(deed: Row, at: datetime) -> Deed:
    """One per deed that came before: a repeat of that one adds no second."""
    number = deed.payload.get("renewal", 0) + 1
    payload = {**deed.payload, "renewal": number}
    key = f"{deed.payload['leg_id']}:subscribe:{number}"
    return Deed(kind="subscribe", key=key, payload=payload, due_at=at, shipment_id=deed.shipment_id)
