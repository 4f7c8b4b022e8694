"""The ground a remedy stands on, looked at again under lock right before anything that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.cases.standing import DOUBTS
from gateway.outcome import Again, Drop, End
from gateway.rules.fold import ShipmentState
from gateway.runtime import Runtime
from gateway.stalls.hearing import hearing
from gateway.store import cases, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg, load

#: How soon what we are in doubt about is looked at again.
_AGAIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A shipment with its legs. leg: the current one. blind: its carrier is unheard."""

    shipment: Snapshot
    state: ShipmentState
    legs: Sequence[Leg]
    leg: Leg
    blind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The case and its parcel, both locked. parcel: None for a case of an order alone."""

    case: Row
    parcel: Parcel | None


async def ground(rt: Runtime, tx: Tx, deed: Row, progress: dict[str, Any] | None = None) -> Ground:
    """Lock shipment, case and deed, in this order. Raise LeaseLost when the deed is no longer ours.

    progress: what is noted of the deed in the same transaction; None: as it is.
    """
    parcel = await _parcel(rt, tx, deed.shipment_id) if deed.shipment_id else None
    case = await cases.locked(tx, deed.case_id)
    if case is None:
        raise LookupError(f"deed {deed.id} belongs to no case")
    await outbox.note(tx, deed, deed.progress if progress is None else progress, until=rt.clock() + rt.lease)
    return Ground(case=case, parcel=parcel)


async def _parcel(rt: Runtime, tx: Tx, shipment_id: str) -> Parcel:
    journey = (await load(tx, [shipment_id]))[shipment_id]
    state = journey.fold()
    leg = next(leg for leg in journey.legs if leg.ordinal == state.current)
    ears = await hearing(rt, tx)
    blind = leg.carrier not in rt.carriers or ears.blind(leg.carrier, leg.opened_at)
    return Parcel(shipment=journey.shipment, state=state, legs=journey.legs, leg=leg, blind=blind)


def answer(deed: Row, question: str) -> dict[str, Any] | None:
    """What a person said to a question of this deed: {"yes", "by", "at", "note"}."""
    found: dict[str, Any] | None = deed.payload.get("answers", {}).get(question)
    return found


def said_yes(deed: Row, question: str) -> bool:
    given = answer(deed, question)
    return given is not None and bool(given["yes"])


def hindrance(rt: Runtime, deed: Row, here: Ground, *, unheard: bool = True) -> End | None:
    """Why nothing that costs money may be done now; None: go ahead. A person may overrule a doubt, never silence.

    unheard: whether the silence of the present carrier matters (no longer when the parcel was taken away from it).
    """
    if here.case.state in cases.CLOSED:
        return Drop(reason=f"the case is {here.case.state}")
    for given in deed.payload.get("answers", {}).values():
        if not given["yes"]:
            return Drop(reason=f"rejected by {given['by']}: {given['note']}".rstrip(": "))
    if here.parcel is None:
        return None
    if unheard and here.parcel.blind:
        return Again(due_at=rt.clock() + _AGAIN, reason="carrier_unheard", free=True)
    doubts = {"unknown_scan": here.parcel.state.newest_unknown, "inferred_final": here.parcel.state.inferred}
    for doubt in sorted(DOUBTS):
        if doubts[doubt] and not said_yes(deed, doubt):
            return Again(due_at=rt.clock() + _AGAIN, reason=doubt, free=True)
    return None
