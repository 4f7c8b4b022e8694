"""Failover, first step: take the parcel away from the carrier that was to have it."""

from __future__ import annotations

import logging
from datetime import timedelta

from gateway import routing
from gateway.contract import Can, ContractError, Refused
from gateway.domain import FINAL, Status
from gateway.outcome import Again, Drop, No
from gateway.remedies.ground import Parcel, hindrance, said_yes
from gateway.remedies.parcel import Incomplete, leg_ref, parcel_of, value_of, weight_of
from gateway.remedies.work import Stop, Work
from gateway.rules.choose import Choice, ParcelFacts
from gateway.rules.fold import fold_scans
from gateway.store import polls
from gateway.store.engine import Tx
from gateway.tracking.journey import Leg

log = logging.getLogger(__name__)
#: After a refusal the carrier is asked what it knows; so soon we look at what it said.
_LOOK = timedelta(minutes=10)


async def take_away(work: Work) -> bool:
    """True: the leg is cancelled. False: it was handed over, so that it cannot be. Raise Stop, ContractError."""
    taken_over = work.progress.get("begun") == "cancel"
    async with work.standing() as (tx, here, parcel):
        await work.alone(tx, here, parcel)
        if not taken_over:
            stop = hindrance(work.rt, work.deed, here)
            if stop is not None:
                raise Stop(stop)
        if await _handed_over(work, tx, parcel):
            return False
        if not taken_over:
            await may_go(work, tx, parcel)
            _may_cancel(work, parcel)
            work.set(begun="cancel")
    if not await _cancel(work, parcel, look_first=taken_over):
        raise Stop(Again(due_at=work.rt.clock() + _LOOK, reason=work.progress["not_cancelled"]))
    return True


async def _handed_over(work: Work, tx: Tx, parcel: Parcel) -> bool:
    """Whether the carrier has the parcel. Raise Stop where nothing is left to do."""
    plan = work.deed.payload["plan"]
    begun = work.progress.get("begun") == "cancel"
    if parcel.state.status in FINAL and not (begun and parcel.state.status is Status.CANCELLED):
        raise Stop(Drop(reason=f"the parcel is {parcel.state.status}"))
    if not parcel.state.moved:
        refused = work.progress.get("not_cancelled")
        if refused:
            work.set(not_cancelled=None)
            raise Stop(No(reason=f"{parcel.leg.carrier} does not cancel: {refused}"))
        if plan["when"] == "after_handover":
            raise Stop(Drop(reason="the parcel was not handed over"))
        return False
    work.set(begun=None, not_cancelled=None)
    if plan["when"] == "before_handover":
        raise Stop(Drop(reason="the parcel moved"))
    return True


async def may_go(work: Work, tx: Tx, parcel: Parcel) -> Choice:
    """The backups that can take it now, by a route that lets us act. Raise Stop."""
    choice = await ranked(work, tx, parcel)
    if choice.route is None:
        raise Stop(No(reason=f"no route says who takes over from {parcel.leg.carrier}"))
    if choice.mode == "off":
        raise Stop(Drop(reason=f"route {choice.route.id} is off"))
    if choice.mode == "ask" and not said_yes(work.deed, "approval"):
        raise Stop(Again(due_at=None, reason=f"approval: route {choice.route.id} asks"))
    if not choice.ranked:
        raise Stop(No(reason=nobody(choice)))
    try:
        parcel_of(parcel.shipment, choice.ranked[0].service)
    except Incomplete as error:
        raise Stop(No(reason=str(error))) from error
    return choice


async def ranked(work: Work, tx: Tx, parcel: Parcel) -> Choice:
    """The backups of this parcel as the world is now, without those that had it or refused it."""
    shipment = parcel.shipment
    tried = {leg.carrier for leg in parcel.legs} | set(work.progress.get("refused", {}))
    facts = ParcelFacts(
        key=shipment.id,
        carrier=parcel.leg.carrier,
        origin=shipment.origin,
        destination=shipment.destination,
        service=parcel.leg.service or shipment.service,
        weight_g=weight_of(shipment),
        value=value_of(shipment),
        tried=frozenset(tried - {parcel.leg.carrier}),
    )
    return await routing.backups(work.rt, tx, facts)


def nobody(choice: Choice) -> str:
    """Why no backup takes it."""
    passed_over = ", ".join(f"{one.carrier} ({one.why})" for one in choice.skipped)
    return f"no backup can take it: {passed_over or 'none is named'}"


def _may_cancel(work: Work, parcel: Parcel) -> None:
    """A carrier whose API cannot cancel is told by a person; the yes to our question says that it was."""
    if Can.CANCEL not in work.rt.carriers[parcel.leg.carrier].can and not said_yes(work.deed, "cancel_by_hand"):
        reason = f"cancel_by_hand: {parcel.leg.carrier} {parcel.leg.tracking_number}"
        raise Stop(Again(due_at=None, reason=reason))


async def _cancel(work: Work, parcel: Parcel, *, look_first: bool) -> bool:
    leg = parcel.leg
    carrier = work.rt.carriers[leg.carrier]
    if Can.CANCEL not in carrier.can:
        await _cancelled(work, leg, how="by_hand")
        return True
    if look_first and await _is_void(work, parcel):
        await _cancelled(work, leg, how="found")
        return True
    try:
        await carrier.adapter.cancel(leg_ref(work.rt, parcel.shipment, leg))
    except Refused as error:
        await _not_cancelled(work, leg, error)
        return False
    await _cancelled(work, leg, how="asked")
    return True


async def _is_void(work: Work, parcel: Parcel) -> bool:
    """Whether a cancellation whose answer nobody kept took place. When in doubt it is asked for again: "already void"
    is a yes."""
    carrier = work.rt.carriers[parcel.leg.carrier]
    if Can.POLL not in carrier.can:
        return False
    try:
        scans = await carrier.adapter.poll([leg_ref(work.rt, parcel.shipment, parcel.leg)])
    except ContractError as error:
        log.info("%s cannot be asked about %s: %s", carrier.code, parcel.leg.tracking_number, error)
        return False
    return fold_scans(scans).status is Status.CANCELLED


async def _cancelled(work: Work, leg: Leg, *, how: str) -> None:
    await work.noted(begun=None, cancelled={"leg_id": leg.id, "carrier": leg.carrier, "how": how})


async def _not_cancelled(work: Work, leg: Leg, error: Refused) -> None:
    """Too late, or another no: the carrier is asked at once where the parcel is. Raise Stop when a person must mend."""
    async with work.standing() as (tx, _, _):
        work.set(begun=None, not_cancelled=None if error.config else str(error))
        await polls.schedule(tx, leg.id, leg.carrier, work.rt.clock())
        tx.after_commit(lambda: work.rt.signals.wake("polls"))
    if error.config:
        raise Stop(No(reason=f"{leg.carrier} refuses us: {error}"))
