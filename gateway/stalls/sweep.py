"""The clock's look at shipments whose watch is due."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.runtime import Runtime
from gateway.stalls.glance import Glance, lanes_of
from gateway.stalls.hearing import Hearing, hearing
from gateway.stalls.look import Surroundings, look, surroundings
from gateway.store import cases, inbox, lanes, watches
from gateway.store.away import StoreAway
from gateway.store.engine import Tx
from gateway.store.queues import LeaseLost
from gateway.store.watches import Watch
from gateway.tracking.journey import Journey, load

log = logging.getLogger(__name__)

#: Looked at in one transaction: a commit costs more than a look.
_TOGETHER = 25
#: A push that is older than what we know of a parcel and was not read yet (who read it died) may say that it moved on
#: long ago. Nothing is made of what we know until it was read, and it is looked for so soon again.
_UNREAD = timedelta(seconds=1)


async def sweep(rt: Runtime, limit: int = 200) -> int:
    """Look at up to `limit` shipments that are due; how many. What cannot be looked at comes back with its lease.

    All get a glance in one transaction; those with which not all is well are then looked at.
    """
    async with rt.store.write() as tx:
        now, ears = rt.clock(), await hearing(rt, tx)
        briefs = await watches.due(tx, now, ears.doubted(rt.carriers), limit=limit)
        if not briefs:
            return 0
        glance = Glance(rt, ears, await lanes.hours_of(tx, lanes_of(briefs)))
        seen = [(brief, *glance.well(brief)) for brief in briefs]
        await watches.put_many(tx, [(brief, next_at) for brief, well, next_at in seen if well])
        claimed = await watches.take(tx, [brief for brief, well, _ in seen if not well], now + rt.lease)
    for start in range(0, len(claimed), _TOGETHER):
        await _each_if_need_be(rt, claimed[start : start + _TOGETHER])
    return len(briefs)


async def _each_if_need_be(rt: Runtime, claimed: Sequence[Watch]) -> None:
    """Together; where one fails, one by one, so that it does not hold up the others."""
    try:
        async with rt.store.write() as tx:
            await _look(rt, tx, claimed)
    except StoreAway:
        raise  # not the shipments' fault: they are claimed again when the lease ends
    except LeaseLost:
        if len(claimed) == 1:
            log.debug("the watch of %s was taken over", claimed[0].shipment_id)
    except Exception:
        if len(claimed) == 1:
            log.exception("%s could not be looked at", claimed[0].shipment_id)
    else:
        return
    if len(claimed) > 1:
        for one in claimed:
            await _each_if_need_be(rt, [one])


async def _look(rt: Runtime, tx: Tx, claimed: Sequence[Watch]) -> None:
    journeys = await load(tx, [row.shipment_id for row in claimed])
    ears = await hearing(rt, tx)
    judged = [(journey.shipment, journey.fold(), journey.legs) for journey in journeys.values()]
    around = await surroundings(rt, tx, judged, await cases.open_of_shipments(tx, journeys.keys()))
    unread = await inbox.unread_since(tx)
    for row in claimed:
        journey, next_at = journeys.get(row.shipment_id), None
        if journey is not None:
            early = unread is not None and unread < journey.shipment.updated_at
            next_at = rt.clock() + _UNREAD if early else await _judge(rt, tx, journey, ears, around)
        await watches.end(tx, row, next_at)


async def _judge(rt: Runtime, tx: Tx, journey: Journey, ears: Hearing, around: Surroundings) -> datetime | None:
    state = journey.fold()
    current = next(leg for leg in journey.legs if leg.ordinal == state.current)
    blind = current.carrier not in rt.carriers or ears.blind(current.carrier, current.opened_at)
    return await look(rt, tx, journey.shipment, state, journey.legs, around, blind=blind, moved=True)
