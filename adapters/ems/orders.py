"""A parcel in EMS's words, and the booking in its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.ems.settings import EmsSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import objects, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def order(settings: EmsSettings, parcel: Parcel, key: str, created: datetime) -> dict[str, Any]:
    """The business JSON of 020003, weight in grams. Raise Refused for a service without a bizProductNo."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no bizProductNo for {parcel.service!r}")
    said: dict[str, Any] = {"ecommerceUserId": settings.ecommerce_user_id, "logisticsOrderNo": key}
    said |= {"createdTime": created.strftime("%Y-%m-%d %H:%M:%S"), "contentsAttribute": settings.contents_attribute}
    said |= {"bizProductNo": settings.services[parcel.service], "weight": parcel.weight_g, "remark": parcel.remark}
    said |= {"sender": _party(parcel.sender), "receiver": _party(parcel.recipient)}
    said |= {"cargos": [{"cargoName": item.name} for item in parcel.items] or None}
    return filled(said | dict(settings.order))


def booking(made: object, key: str) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet."""
    rows = objects([made] if isinstance(made, dict) else made, "retBody")
    number = next((text(row, "waybillNo") for row in rows if text(row, "logisticsOrderNo", key) == key), "")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=key)


def _party(party: Party) -> dict[str, str]:
    at, phone = in_china(party), domestic(party.phone)
    said = {"name": party.name, "postCode": at.postcode, "phone": phone, "mobile": phone}
    return filled(said | {"prov": at.region, "city": at.city, "county": at.district, "address": at.address})
