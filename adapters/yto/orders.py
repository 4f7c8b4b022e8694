"""A parcel in YTO's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.yto.settings import YtoSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def order(settings: YtoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The param of privacy_create_adapter, weights in kg. Raise Refused for a service without a productCode."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no productCode for {parcel.service!r}")
    goods = [filled({"name": one.name, "quantity": one.quantity, "weight": _kg(one.weight_g)}) for one in parcel.items]
    said: dict[str, Any] = {"logisticsNo": key, "cstOrderNo": parcel.order_id, "remark": parcel.remark}
    said |= _party("sender", parcel.sender) | _party("recipient", parcel.recipient)
    said |= {"weight": _kg(parcel.weight_g), "goods": goods or None}
    return filled(said | {"productCode": settings.services[parcel.service], **settings.order})


def booking(answer: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet."""
    number = text(answer, "mailNo")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=key, extra=filled({"shortAddress": text(answer, "shortAddress")}))


def _kg(grams: int | None) -> float | None:
    return None if grams is None else grams / 1000


def _party(role: str, party: Party) -> dict[str, str]:
    at = in_china(party)
    said = {"Name": party.name, "ProvinceName": at.region, "CityName": at.city, "CountyName": at.district}
    said |= {"Address": at.address, "Mobile": domestic(party.phone)}
    return {role + name: value for name, value in said.items()}
