"""A parcel in JD's words, and the booking in its answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.jd.settings import JdSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, optional, text
from gateway.contract.writing import domestic, filled, in_china, measured
from gateway.domain import Booking, Parcel, Party


def order(settings: JdSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The object of orders/create. Raise Refused for a service without a productCode."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no productCode for {parcel.service!r}")
    said: dict[str, Any] = {"orderId": key, "orderOrigin": settings.order_origin}
    said |= {"customerCode": settings.customer_code, "businessUnitCode": settings.business_unit_code}
    said |= {"senderContact": _contact(parcel.sender), "receiverContact": _contact(parcel.recipient)}
    said |= {"productsReq": {"productCode": settings.services[parcel.service]}, "settleType": settings.settle_type}
    return filled(said | {"cargoes": [_cargo(parcel, settings.cargo_name)], "remark": parcel.remark})


def booking(answer: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown for an order whose answer has no waybill."""
    made = optional(answer, "data")
    number, order_code = text(made, "waybillCode"), text(made, "orderCode")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=order_code or key, extra=filled({"orderCode": order_code}))


def _contact(party: Party) -> dict[str, Any]:
    at = in_china(party)
    where = "".join(dict.fromkeys((at.region, at.city, at.district, at.address)))  # 北京市 is both
    return filled({"name": party.name, "mobile": domestic(party.phone), "company": party.company, "fullAddress": where})


def _cargo(parcel: Parcel, name: str) -> dict[str, Any]:
    """One package: kg, cm and cm3, never less than it is."""
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "hight": parcel.height_mm}  # spelt so by the vendor
    cm = {side: float(measured(mm, Decimal(10))) for side, mm in sides.items() if mm is not None}
    volume = round(cm["length"] * cm["width"] * cm["hight"], 3) if len(cm) == 3 else None
    said = {"name": "、".join(item.name for item in parcel.items) or name, "quantity": 1}
    return filled({**said, "weight": parcel.weight_g / 1000, "volume": volume, **cm})
