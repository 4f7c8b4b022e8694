"""A parcel in SF's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.sf.settings import SfSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, objects, text
from gateway.contract.signing import short_key
from gateway.contract.writing import domestic, filled
from gateway.domain import Booking, Parcel, Party


def order_id(key: str) -> str:
    """Our key as SF's orderId, which is the same for every try."""
    return short_key(key, 64)


def order(settings: SfSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The msgData of EXP_RECE_CREATE_ORDER. Raise Refused for a service without an expressTypeId."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no expressTypeId for {parcel.service!r}")
    cargo = [{"name": item.name, "count": item.quantity} for item in parcel.items]
    said: dict[str, Any] = {"language": "zh-CN", "orderId": order_id(key), "custReferenceNo": parcel.order_id}
    said |= {"contactInfoList": [_contact(1, parcel.sender), _contact(2, parcel.recipient)], "parcelQty": 1}
    said |= {"cargoDetails": cargo or [{"name": settings.cargo_name}], "totalWeight": parcel.weight_g / 1000}
    said |= {"payMethod": settings.pay_method, "expressTypeId": settings.services[parcel.service]}
    said |= dict.fromkeys(("isDocall", "isReturnRoutelabel", "isUnifiedWaybillNo", "isGenWaybillNo"), 1)
    return said | {"remark": parcel.remark, "monthlyCard": settings.monthly_card}


def booking(answer: Fields) -> Booking:
    """filterResult 3: they do not deliver there. 1: somebody checks it; a booking once it has its number."""
    number, waybills = text(answer, "orderId"), objects(answer.get("waybillNoInfoList"), "waybillNoInfoList")
    if text(answer, "filterResult") == "3":
        raise Refused(f"not deliverable, remark {text(answer, 'remark')}", code="filterResult 3")
    waybill = next((text(one, "waybillNo") for one in waybills if text(one, "waybillType") == "1"), "")
    if not waybill:
        raise OutcomeUnknown(f"order {number} is taken, its waybill number still to come")
    return Booking(tracking_number=waybill, reference=number)


def _contact(kind: int, party: Party) -> dict[str, Any]:
    end = party.address
    said = {"company": party.company, "contact": party.name, "mobile": domestic(party.phone), "country": end.country}
    said |= {"province": end.region, "city": end.city, "county": end.district, "address": end.address}
    return {"contactType": kind, **filled(said)}
