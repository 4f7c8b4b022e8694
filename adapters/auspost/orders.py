"""A parcel as an Australia Post shipment, and the booking in one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import Fields, listed, optional, required, text
from gateway.contract.signing import short_key
from gateway.contract.writing import filled, measured
from gateway.domain import Booking, Parcel, Party

_CM_MM, _KG_G = Decimal(10), Decimal(1000)


def reference(key: str) -> str:
    """Our key where Australia Post takes 50 characters."""
    return short_key(key, 50)


def shipment(parcel: Parcel, key: str) -> dict[str, Any]:
    """The body of a booking. Raise Refused without a product."""
    if not parcel.service:
        raise Refused("service: Australia Post books a product_id, and the route names none")
    sides = {"length": parcel.length_mm, "height": parcel.height_mm, "width": parcel.width_mm}
    item = {
        "item_reference": reference(key),
        "product_id": parcel.service,
        **{name: float(measured(side, _CM_MM)) for name, side in sides.items() if side is not None},
        "weight": float(parcel.weight_g / _KG_G),
        "authority_to_leave": False,
    }
    ends = {"from": _address(parcel.sender), "to": _address(parcel.recipient)}
    return {"shipments": [{"shipment_reference": reference(key), **ends, "items": [item]}]}


def booked(answer: Fields) -> Booking:
    """The one shipment of an answer. Raise BadPayload."""
    shipments = listed(answer, "shipments")
    if len(shipments) != 1:
        raise BadPayload(f"shipments: one was expected, not {len(shipments)}")
    return booking(shipments[0])


def booking(made: Fields) -> Booking:
    """Of its first item: a parcel has one."""
    items = listed(made, "items")
    details = optional(items[0], "tracking_details") if items else {}
    known = {name: text(details, name) for name in ("article_id", "consignment_id")}
    number, identity = known["article_id"] or known["consignment_id"], required(made, "shipment_id")
    if not number:
        raise BadPayload("tracking_details: has neither article_id nor consignment_id")
    extra = filled({"shipment_id": identity, "consignment_id": known["consignment_id"]})
    return Booking(tracking_number=number, reference=identity, extra=extra)


def _address(party: Party) -> dict[str, Any]:
    at = party.address
    who = {"name": party.name, "business_name": party.company, "phone": party.phone, "email": party.email}
    where = {"suburb": at.city, "state": at.region, "postcode": at.postcode}
    abroad = {"country": at.country} if at.country != "AU" else {}
    return {**filled(who | where), "lines": [line for line in (at.address, at.district) if line], **abroad}
