"""A shipment is registered; it gets another leg, and a leg is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from gateway.contract import Can
from gateway.domain import Status
from gateway.runtime import Runtime
from gateway.store import legs as leg_rows
from gateway.store import outbox, polls, strays, watches
from gateway.store import shipments as shipment_rows
from gateway.store.engine import Tx
from gateway.store.history import decode
from gateway.store.ids import new_id
from gateway.store.outbox import Deed
from gateway.tracking.journey import Journey, leg_values, load, move
from gateway.tracking.learn import learn
from gateway.tracking.numbers import normal
from gateway.tracking.pace import reader


class UnknownCarrier(Exception):
    """No enabled row of carriers.yaml has this code."""


class UnknownShipment(Exception):
    """There is no shipment of this id."""


class NumberTaken(Exception):
    """This carrier's number belongs to a leg of another shipment. shipment_id: that one."""

    def __init__(self, carrier: str, number: str, shipment_id: str) -> None:
        super().__init__(f"{carrier} {number} belongs to {shipment_id}")
        self.shipment_id = shipment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShipment:
    """What an order system registers, already checked by the door it came through.

    reference: the id it was booked under at the carrier; "": the order id. document: origin, destination, sender,
    recipient, value, parcel, booking, metadata, promised_at in the words and shapes of the API (JSON values).
    extra: what the carrier's `Booking.extra` held.
    """

    order_id: str
    carrier: str
    tracking_number: str
    service: str = ""
    promised_at: datetime | None = None
    reference: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """id: of the shipment. created: False when its (carrier, number) was registered before."""

    id: str
    created: bool


async def register(rt: Runtime, tx: Tx, new: NewShipment) -> Registered:
    """Write a shipment with its first leg, and all that follows: schedules, a subscription, the scans that waited.

    The same (carrier, number) again is the first one. Raise UnknownCarrier.
    """
    number = normal(new.tracking_number)
    _known(rt, new.carrier)
    await leg_rows.hold_names(tx, [(new.carrier, number)])
    known = await leg_rows.named(tx, [(new.carrier, number)])
    if known:
        return Registered(id=known[new.carrier, number].shipment_id, created=False)
    shipment_id = new_id("shp")
    await shipment_rows.add(tx, _row(rt, shipment_id, new, number))
    reference = new.reference or new.order_id
    leg_id = await _open_leg(rt, tx, shipment_id, 1, new.carrier, number, reference, new.service, new.extra)
    await watches.schedule(tx, shipment_id, rt.clock())
    journey = await _journey(tx, shipment_id)
    await move(rt, tx, journey, leg_id, created=True)
    await _start(rt, tx, shipment_id, leg_id, new.carrier, number)
    return Registered(id=shipment_id, created=True)


def _known(rt: Runtime, carrier: str) -> None:
    if carrier not in rt.carriers:
        raise UnknownCarrier(carrier)


def _row(rt: Runtime, shipment_id: str, new: NewShipment, number: str) -> dict[str, Any]:
    now = rt.clock()
    return {
        "id": shipment_id,
        "order_id": new.order_id,
        "carrier": new.carrier,
        "tracking_number": number,
        "service": new.service,
        "origin": lane_end(new.document.get("origin")),
        "destination": lane_end(new.document.get("destination")),
        "status": Status.PRE_TRANSIT,
        "promised_at": new.promised_at,
        "stalled": False,
        "late": False,
        "watching": True,
        "sequence": 1,
        "created_at": now,
        "updated_at": now,
        "document": dict(new.document),
    }


def lane_end(address: Mapping[str, Any] | None) -> str:
    """One end of a lane: "CN-Guangdong", "CN" without a region, "" when nothing is known."""
    known = address or {}
    parts = [part.strip() for name in ("country", "region") if (part := known.get(name) or "").strip()]
    return "-".join(parts)[:40]


async def add_leg(
    rt: Runtime,
    tx: Tx,
    shipment_id: str,
    *,
    carrier: str,
    tracking_number: str,
    reference: str = "",
    service: str = "",
    extra: Mapping[str, str] | None = None,
) -> str:
    """A further carrier's attempt (failover): its id; the shipment is with this carrier from now on.

    Repeating it gives the same leg. Raise UnknownCarrier, UnknownShipment, NumberTaken.
    """
    number = normal(tracking_number)
    _known(rt, carrier)
    await leg_rows.hold_names(tx, [(carrier, number)])
    known = (await leg_rows.named(tx, [(carrier, number)])).get((carrier, number))
    if known is not None and known.shipment_id != shipment_id:
        raise NumberTaken(carrier, number, known.shipment_id)
    if known is not None:
        return str(known.id)
    journey = await _journey(tx, shipment_id)
    ordinal = max(leg.ordinal for leg in journey.legs) + 1
    own = reference or journey.shipment.order_id
    leg_id = await _open_leg(rt, tx, shipment_id, ordinal, carrier, number, own, service, extra or {})
    journey = await _journey(tx, shipment_id)
    await move(rt, tx, journey, leg_id)
    await _start(rt, tx, shipment_id, leg_id, carrier, number)
    return leg_id


async def close_leg(rt: Runtime, tx: Tx, leg_id: str, why: Literal["cancelled", "superseded"]) -> None:
    """We took the parcel away from this carrier: it is asked no more. Repeating it changes nothing."""
    row = await leg_rows.get(tx, leg_id)
    if row is None:
        raise UnknownShipment(f"no leg {leg_id}")
    journey = await _journey(tx, row.shipment_id)
    if journey.leg(leg_id).closed_why == why:
        return
    leg = journey.put(replace(journey.leg(leg_id), closed_at=rt.clock(), closed_why=why))
    await leg_rows.put(tx, leg_id, leg_values(journey, leg))
    await polls.forget(tx, [leg_id])
    await move(rt, tx, journey, leg_id)


async def _journey(tx: Tx, shipment_id: str) -> Journey:
    journeys = await load(tx, [shipment_id])
    if shipment_id not in journeys:
        raise UnknownShipment(shipment_id)
    return journeys[shipment_id]


async def _open_leg(
    rt: Runtime,
    tx: Tx,
    shipment_id: str,
    ordinal: int,
    carrier: str,
    number: str,
    reference: str,
    service: str,
    extra: Mapping[str, str],
) -> str:
    leg_id = new_id("leg")
    await leg_rows.add(
        tx,
        {
            "id": leg_id,
            "shipment_id": shipment_id,
            "ordinal": ordinal,
            "carrier": carrier,
            "tracking_number": number,
            "reference": reference,
            "service": service,
            "opened_at": rt.clock(),
            "status": Status.PRE_TRANSIT,
            "history": "[]",
            "extra": dict(extra),
        },
    )
    return leg_id


async def _start(rt: Runtime, tx: Tx, shipment_id: str, leg_id: str, carrier: str, number: str) -> None:
    """A new leg is asked about at once, its pushes are asked for, and what came before it is taken in."""
    now = rt.clock()
    if reader(rt, carrier) is not None:
        await polls.schedule(tx, leg_id, carrier, now)
        tx.after_commit(lambda: rt.signals.wake("polls"))
    if Can.SUBSCRIBE in rt.carriers[carrier].can:
        key = f"{leg_id}:subscribe"
        payload = {"leg_id": leg_id, "carrier": carrier}
        deed = Deed(kind="subscribe", key=key, payload=payload, due_at=now, shipment_id=shipment_id)
        await outbox.add(tx, deed, now)
    await _attach(rt, tx, shipment_id, leg_id, carrier, number)


async def _attach(rt: Runtime, tx: Tx, shipment_id: str, leg_id: str, carrier: str, number: str) -> None:
    waiting = [row for row in await strays.of_number(tx, number) if _speaks_of(rt, row, carrier)]
    told = [held for row in waiting for held in decode(row.scans)]
    if told:
        await learn(rt, tx, {shipment_id: {leg_id: told}})
    await strays.remove(tx, [row.id for row in waiting])


def _speaks_of(rt: Runtime, stray: Any, carrier: str) -> bool:
    provider = rt.carriers.get(stray.carrier)
    return provider is not None and rt.carriers.named(provider, stray.company) == carrier
