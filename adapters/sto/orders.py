"""A parcel in STO's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.sto.settings import StoSettings
from gateway.contract.errors import OutcomeUnknown
from gateway.contract.reading import Fields, optional, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def order(settings: StoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The content of OMS_EXPRESS_ORDER_CREATE, weight in kg."""
    said: dict[str, Any] = {"orderNo": key, "orderSource": settings.order_source}
    said |= {"billType": settings.bill_type, "orderType": settings.order_type}
    said |= {"sender": _party(parcel.sender), "receiver": _party(parcel.recipient)}
    password = settings.site_pwd.get_secret_value() if settings.site_pwd else ""
    account = {"siteCode": settings.site_code, "customerName": settings.customer_name, "sitePwd": password}
    account |= {"monthCustomerCode": settings.month_customer_code}
    said |= {"cargo": {**settings.cargo, **_goods(parcel)}, "customer": filled(account)}
    return filled(said | {"remark": parcel.remark, "payModel": settings.pay_model})


def booking(answer: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown for an order whose answer has no waybill."""
    made = optional(answer, "data")
    number = text(made, "waybillNo")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    told = {name: text(made, name) for name in ("bigWord", "packagePlace")}
    return Booking(tracking_number=number, reference=key, extra=filled(told))


def _goods(parcel: Parcel) -> dict[str, Any]:
    names = "、".join(item.name for item in parcel.items)
    count = sum(item.quantity for item in parcel.items) or 1
    return filled({"goodsName": names, "goodsCount": count, "weight": parcel.weight_g / 1000})


def _party(party: Party) -> dict[str, str]:
    at, phone = in_china(party), domestic(party.phone)
    said = {"name": party.name, "tel": phone, "mobile": phone, "postCode": at.postcode, "country": "中国"}
    said |= {"province": at.region, "city": at.city, "area": at.district, "address": at.address}
    return filled(said)
