"""A registered shipment is edited, flagged, no longer watched, or forgotten as a person's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.rules.history import readings
from gateway.runtime import Runtime
from gateway.store import audit, inbox, messages, outbox, polls, shipments, watches
from gateway.store import legs as leg_rows
from gateway.store.engine import Tx
from gateway.store.history import encode
from gateway.tracking.change import Change, Snapshot
from gateway.tracking.journey import Journey, Leg, announce, load, move
from gateway.tracking.pace import next_due
from gateway.tracking.register import UnknownShipment

#: What names or finds a person in a registration.
_PERSONAL = ("recipient", "sender", "metadata")
_END = ("country", "region")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a PATCH changes; absent fields stay. document: whole values by their names (recipient, metadata, ...).
    no_promise: the promise is taken back."""

    promised_at: datetime | None = None
    document: Mapping[str, Any] | None = None
    no_promise: bool = False


async def edit(rt: Runtime, tx: Tx, shipment_id: str, wanted: Edit) -> Change:
    """Change the promise, the recipient or the metadata. Raise UnknownShipment."""
    journey = await _journey(tx, shipment_id)
    shipment = journey.shipment
    values: dict[str, Any] = {"document": {**shipment.document, **(wanted.document or {})}}
    if wanted.promised_at is not None:
        values["promised_at"] = wanted.promised_at
        values["document"]["promised_at"] = wanted.promised_at.isoformat()
    elif wanted.no_promise:
        values["promised_at"] = None
        values["document"].pop("promised_at", None)
    change = await move(rt, tx, journey, _current(journey), **values)
    await _replan(rt, tx, journey)
    return change


async def _replan(rt: Runtime, tx: Tx, journey: Journey) -> None:
    """The pace follows the promise: the next question may have to come sooner, never later."""
    for leg in journey.legs:
        due, planned = next_due(rt, journey.shipment, leg, journey.state(leg)), await polls.of_leg(tx, leg.id)
        if due is not None and planned is not None and planned.due_at is not None and due < planned.due_at:
            await polls.schedule(tx, leg.id, leg.carrier, due)


async def stop(rt: Runtime, tx: Tx, shipment_id: str) -> None:
    """Stop watching: no more questions and no more judgements; pushes are still kept. Raise UnknownShipment."""
    journey = await _journey(tx, shipment_id)
    await polls.forget(tx, [leg.id for leg in journey.legs])
    await watches.schedule(tx, shipment_id, None)
    if journey.shipment.watching:
        await move(rt, tx, journey, _current(journey), watching=False)


async def flag(
    rt: Runtime, tx: Tx, shipment_id: str, *, stalled: bool | None = None, late: bool | None = None
) -> Snapshot:
    """Say that a shipment stalls or is late, or no longer: a new sequence when that is news. Raise UnknownShipment."""
    (row,) = await shipments.locked(tx, [shipment_id]) or (None,)
    if row is None:
        raise UnknownShipment(shipment_id)
    wanted = {name: value for name, value in (("stalled", stalled), ("late", late)) if value is not None}
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changed:
        return Snapshot.of(row)
    after = Snapshot.of(await shipments.put(tx, shipment_id, {**changed, "updated_at": rt.clock()}))
    announce(rt, tx, after, [Leg.of(leg) for leg in await leg_rows.of_shipments(tx, [shipment_id])])
    return after


async def erase(rt: Runtime, tx: Tx, shipment_id: str, who: str) -> None:
    """Forget whom a shipment was for: people, addresses, what carriers wrote, raw pushes, where messages went, and the
    customer whom its order's reports named. Raise UnknownShipment.

    Status, times, codes and places stay. Repeating it is harmless.
    """
    journey = await _journey(tx, shipment_id)
    for leg in journey.legs:
        silent = [replace(held, scan=replace(held.scan, text="")) for held in readings(leg.history)]
        await leg_rows.put(tx, leg.id, {"history": encode(silent), "extra": {}})
        await inbox.forget(tx, leg.tracking_number)
    await messages.forget(tx, shipment_id, journey.shipment.order_id)
    await outbox.forget_customer(tx, journey.shipment.order_id)
    document = _impersonal(journey.shipment.document)
    after = Snapshot.of(await shipments.put(tx, shipment_id, {"document": document, "updated_at": rt.clock()}))
    announce(rt, tx, after, journey.legs)
    await audit.add(tx, rt.clock(), who, "shipment.erase", shipment_id)


def _impersonal(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in document.items() if name not in _PERSONAL}
    for end in ("origin", "destination"):
        if isinstance(kept.get(end), Mapping):
            kept[end] = {name: value for name, value in kept[end].items() if name in _END}
    return kept


async def _journey(tx: Tx, shipment_id: str) -> Journey:
    journeys = await load(tx, [shipment_id])
    if shipment_id not in journeys:
        raise UnknownShipment(shipment_id)
    return journeys[shipment_id]


def _current(journey: Journey) -> str:
    state = journey.fold()
    return next(leg.id for leg in journey.legs if leg.ordinal == state.current)
