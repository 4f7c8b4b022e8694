"""A parcel in Deppon's words, and the booking in its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.deppon.settings import DepponSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def order_id(settings: DepponSettings, key: str) -> str:
    """The logisticID of our key."""
    return settings.order_prefix + key


def order(settings: DepponSettings, parcel: Parcel, key: str, committed: datetime) -> dict[str, Any]:
    """The params of createOrderNotify, weight in kg. Raise Refused for a service without a transportType."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no transportType for {parcel.service!r}")
    said: dict[str, Any] = {"companyCode": settings.company_code, "customerCode": settings.customer_code}
    said |= {"logisticID": order_id(settings, key), "custOrderNo": parcel.order_id, "needTraceInfo": "1"}
    said |= {"orderType": settings.order_type, "transportType": settings.services[parcel.service]}
    said |= {"sender": _party(parcel.sender), "receiver": _party(parcel.recipient)}
    said |= {"packageInfo": _package(settings, parcel), "payType": settings.pay_type, "isOut": "N"}
    said |= {"gmtCommit": committed.strftime("%Y-%m-%d %H:%M:%S"), "remark": parcel.remark}
    return filled(said | dict(settings.order))


def booking(made: Fields, key: str, order_id: str) -> Booking:
    """Of several waybills the first is the parcel's. Raise OutcomeUnknown for an order that has none yet."""
    first, _, rest = text(made, "mailNo").partition(",")
    if not first:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    told = {"mailNos": rest and text(made, "mailNo"), "arrivedOrgSimpleName": text(made, "arrivedOrgSimpleName")}
    return Booking(tracking_number=first.strip(), reference=order_id, extra=filled(told))


def _package(settings: DepponSettings, parcel: Parcel) -> dict[str, Any]:
    """Weight in kg, volume in cubic metres."""
    sides = (parcel.length_mm, parcel.width_mm, parcel.height_mm)
    volume = round(sides[0] * sides[1] * sides[2] / 1e9, 6) if sides[0] and sides[1] and sides[2] else None
    said = {"cargoName": "、".join(item.name for item in parcel.items) or settings.cargo_name, "totalNumber": 1}
    return filled({**said, "totalWeight": parcel.weight_g / 1000, "totalVolume": volume, **settings.package_info})


def _party(party: Party) -> dict[str, str]:
    at = in_china(party)
    said = {"name": party.name, "mobile": domestic(party.phone), "companyName": party.company, "province": at.region}
    return filled(said | {"city": at.city, "county": at.district, "address": at.address})
