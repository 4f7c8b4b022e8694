"""Failover, second step: a backup books the parcel under the case's own key, and gets a leg."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.cases.announce import announce
from gateway.contract import BadPayload, CallPerson, CarrierAdapter, OutcomeUnknown
from gateway.domain import Booking, Status
from gateway.outcome import Again, Done, Drop, End, No
from gateway.remedies.cancelling import nobody, ranked
from gateway.remedies.ground import Parcel, answer, hindrance, said_yes
from gateway.remedies.parcel import Incomplete, parcel_of
from gateway.remedies.work import Stop, Work
from gateway.store.engine import Tx
from gateway.tracking.numbers import normal
from gateway.tracking.register import NumberTaken, add_leg, close_leg

#: So long before a carrier forgets a key we no longer trust that it knows it.
_MARGIN = timedelta(hours=1)
#: A parcel that came to such an end needs no other carrier. One that came back, or of which nobody knows, may.
_OVER = (Status.DELIVERED, Status.CANCELLED)


async def book(work: Work, *, handed_over: bool) -> End:
    """One backup after the other, each only after a definite no of the one before. Raise Stop, ContractError."""
    if "booked" in work.progress:
        return Done(result=work.progress["booked"])
    while True:
        booking = await _look(work) if work.progress.get("begun") == "book" else None
        if booking is None:
            await _ask_about_forgotten(work)
            parcel = await _begin(work, handed_over=handed_over)
            booking = await _call(work, parcel)
        if booking is not None:
            return await _record(work, booking, handed_over=handed_over)


async def _begin(work: Work, *, handed_over: bool) -> Parcel:
    """Look again under lock, choose, and note what is begun. What was begun before is begun again, under its key."""
    async with work.standing() as (tx, here, parcel):
        hindered = hindrance(work.rt, work.deed, here, unheard=handed_over)
        if hindered is not None:
            raise Stop(hindered)
        if handed_over:
            await work.alone(tx, here, parcel)
            if parcel.state.status in _OVER:
                raise Stop(Drop(reason=f"the parcel is {parcel.state.status}"))
        elif parcel.state.moved:
            work.set(begun=None)
            raise Stop(No(reason=f"{parcel.leg.carrier} moved the parcel after it was cancelled"))
        if work.progress.get("begun") != "book":
            await _choose(work, tx, parcel)
        return parcel


async def _choose(work: Work, tx: Tx, parcel: Parcel) -> None:
    choice = await ranked(work, tx, parcel)
    if not choice.ranked:
        refused = "; ".join(f"{carrier}: {why}" for carrier, why in work.progress.get("refused", {}).items())
        work.set(refused=None)  # a person who lets it be tried again means all of them
        raise Stop(No(reason=f"{nobody(choice)}; {refused}".rstrip("; ")))
    first = choice.ranked[0]
    work.set(begun="book", tries=work.progress.get("tries", 0) + 1)
    begun_at = work.rt.clock().isoformat()
    work.set(booking={"carrier": first.carrier, "service": first.service, "key": work.key, "begun_at": begun_at})


async def _look(work: Work) -> Booking | None:
    """The booking that may have been made before somebody died or an answer was lost; None: there is none.

    A carrier that cannot be asked is told again under the same key, which it never books twice (`CarrierAdapter.book`).
    """
    begun = work.progress["booking"]
    adapter = work.rt.carriers[begun["carrier"]].adapter
    if type(adapter).find_booking is CarrierAdapter.find_booking:
        return None
    return await adapter.find_booking(begun["key"])


async def _ask_about_forgotten(work: Work) -> None:
    """A key that the carrier may have forgotten since it was first used is not used again: a person looks whether there
    is a booking under it. A yes (there is none) lets another key be used. Raise Stop."""
    if work.progress.get("begun") != "book":
        return
    begun = work.progress["booking"]
    remembers = work.rt.carriers[begun["carrier"]].adapter.remembers_key
    if remembers is None:
        return
    used_for = work.rt.clock() - datetime.fromisoformat(begun["begun_at"])
    if used_for < timedelta(seconds=remembers) - _MARGIN:
        return
    question = f"no_booking_there_{work.progress['tries']}"
    if not said_yes(work.deed, question):
        if answer(work.deed, question) is not None:
            raise Stop(Drop(reason=f"{begun['carrier']} has a booking under {begun['key']}"))
        raise Stop(Again(due_at=None, reason=f"{question}: {begun['carrier']} may have booked under {begun['key']}"))
    await work.noted(begun=None, booking=None)


async def _call(work: Work, parcel: Parcel) -> Booking | None:
    """None: a definite no, which is noted. Raise TryAgain; what was begun then stays noted, and is looked for."""
    begun = work.progress["booking"]
    adapter = work.rt.carriers[begun["carrier"]].adapter
    try:
        return await adapter.book(parcel_of(parcel.shipment, begun["service"]), begun["key"])
    except BadPayload as error:  # it answered, and nobody can read what: perhaps yes
        raise OutcomeUnknown(f"{begun['carrier']} answered what cannot be read: {error}") from error
    except (CallPerson, Incomplete) as error:
        refused = {**work.progress.get("refused", {}), begun["carrier"]: str(error)}
        await work.noted(begun=None, booking=None, refused=refused)
        return None


async def _record(work: Work, booking: Booking, *, handed_over: bool) -> End:
    """The new leg, the end of the old one, and what follows, in one transaction."""
    begun = work.progress["booking"]
    number = normal(booking.tracking_number)
    booked = {
        "carrier": begun["carrier"],
        "tracking_number": number,
        "reference": booking.reference,
        "service": begun["service"],
    }
    try:
        async with work.standing() as (tx, _, parcel):
            before = parcel.leg
            work.set(begun=None, booking=None, booked={**booked, "from": before.carrier})
            await work.note(tx)  # noted first: a case that sees the new leg must know whose deed it is
            leg_id = await add_leg(
                work.rt,
                tx,
                parcel.shipment.id,
                carrier=begun["carrier"],
                tracking_number=number,
                reference=booking.reference or begun["key"],
                service=begun["service"],
                extra=booking.extra,
            )
            await close_leg(work.rt, tx, before.id, "superseded" if handed_over else "cancelled")
            known = {"shipment_id": parcel.shipment.id, "order_id": parcel.shipment.order_id, "leg_id": leg_id}
            told = {**work.progress["booked"], **known, "case_id": work.deed.case_id}
            await announce(work.rt, tx, "failover.booked", leg_id, told)
    except NumberTaken as error:
        # Booked, and yet not ours to watch. What was booked stays noted, so that looking again finds it.
        return No(reason=f"{begun['carrier']} gave a number that is taken: {error}", result=booked)
    return Done(result=work.progress["booked"])
