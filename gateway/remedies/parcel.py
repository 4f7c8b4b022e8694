"""What carriers are told about a shipment: a parcel to book, a leg to cancel."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.domain import Address, Item, LegRef, Money, Parcel, Party
from gateway.runtime import Runtime
from gateway.tracking.change import Snapshot
from gateway.tracking.journey import Leg


class Incomplete(Exception):
    """The registration does not say enough to book; the text names the fields."""


def parcel_of(shipment: Snapshot, service: str) -> Parcel:
    """The shipment as a backup books it. Raise Incomplete."""
    known = shipment.document
    needed = {
        "sender.name": (known.get("sender") or {}).get("name"),
        "origin.country": (known.get("origin") or {}).get("country"),
        "origin.address": (known.get("origin") or {}).get("address"),
        "recipient.name": (known.get("recipient") or {}).get("name"),
        "destination.country": (known.get("destination") or {}).get("country"),
        "destination.address": (known.get("destination") or {}).get("address"),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise Incomplete(f"a booking needs {', '.join(missing)}")
    box = known.get("parcel") or {}
    sizes = {name: box[name] for name in ("weight_g", "length_mm", "width_mm", "height_mm") if box.get(name)}
    return Parcel(
        order_id=shipment.order_id,
        sender=_party(known["sender"], known["origin"]),
        recipient=_party(known["recipient"], known["destination"]),
        service=service,
        value=_money(known.get("value")),
        items=tuple(_item(one) for one in box.get("items") or ()),
        **sizes,
    )


def value_of(shipment: Snapshot) -> Decimal | None:
    """What the shop says it is worth, for routes with a limit."""
    value = _money(shipment.document.get("value"))
    return value.amount if value else None


def weight_of(shipment: Snapshot) -> int | None:
    grams: int | None = (shipment.document.get("parcel") or {}).get("weight_g")
    return grams


def leg_ref(rt: Runtime, shipment: Snapshot, leg: Leg) -> LegRef:
    """A leg as its own carrier's adapter knows it."""
    provider = rt.carriers[leg.carrier]
    return LegRef(
        carrier=leg.carrier,
        tracking_number=leg.tracking_number,
        company=rt.carriers.company(leg.carrier, provider),
        phone=str((shipment.document.get("recipient") or {}).get("phone") or ""),
        reference=leg.reference or shipment.order_id,
        service=leg.service,
        origin=shipment.origin,
        destination=shipment.destination,
        extra=dict(leg.extra),
    )


def _party(person: Mapping[str, Any], place: Mapping[str, Any]) -> Party:
    names = ("country", "region", "city", "district", "postcode", "address")
    return Party(
        name=str(person.get("name") or ""),
        phone=str(person.get("phone") or ""),
        email=str(person.get("email") or ""),
        company=str(person.get("company") or ""),
        address=Address(**{name: str(place.get(name) or "") for name in names}),
    )


def _item(given: Mapping[str, Any]) -> Item:
    quantity = int(given.get("quantity") or 1)
    return Item(name=given["name"], quantity=quantity, weight_g=given.get("weight_g"), value=_money(given.get("value")))


def _money(given: Mapping[str, Any] | None) -> Money | None:
    return Money(amount=Decimal(str(given["amount"])), currency=given["currency"]) if given else None
