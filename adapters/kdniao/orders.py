"""A parcel in 快递鸟's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.kdniao.settings import KdniaoSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, inside, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def account(settings: KdniaoSettings) -> dict[str, str]:
    """Our account at the company that is booked with."""
    password = settings.customer_pwd.get_secret_value() if settings.customer_pwd else ""
    return filled({"CustomerName": settings.customer_name, "CustomerPwd": password})


def order(settings: KdniaoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The RequestData of 1007 and 1001, weights in kg. Raise Refused for a service without an ExpType."""
    if parcel.service not in settings.services:
        raise Refused(f"services: has no ExpType for {parcel.service!r}")
    goods = [
        filled({"GoodsName": one.name, "Goodsquantity": one.quantity, "GoodsWeight": _kg(one.weight_g)})
        for one in parcel.items
    ]
    said: dict[str, Any] = {"OrderCode": key, "ShipperCode": settings.company, **account(settings)}
    said |= {"MonthCode": settings.month_code, "SendSite": settings.send_site, "PayType": settings.pay_type}
    said |= {"ExpType": settings.services[parcel.service], "Remark": parcel.remark}
    said |= {"Sender": _party(parcel.sender), "Receiver": _party(parcel.recipient)}
    said |= {"Commodity": goods or [{"GoodsName": settings.cargo_name, "Goodsquantity": 1}]}
    return filled(said | {"Weight": _kg(parcel.weight_g), "Quantity": 1, "IsReturnPrintTemplate": "0"})


def booking(answer: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet."""
    made = inside(answer, "Order")
    number = text(made, "LogisticCode")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    told = {"MarkDestination": text(made, "MarkDestination")}
    told["UniquerRequestNumber"] = text(answer, "UniquerRequestNumber")
    return Booking(tracking_number=number, reference=key, extra=filled(told))


def _kg(grams: int | None) -> float | None:
    return None if grams is None else grams / 1000


def _party(party: Party) -> dict[str, str]:
    at = in_china(party)
    said = {"Company": party.company, "Name": party.name, "Mobile": domestic(party.phone), "ProvinceName": at.region}
    return filled(said | {"CityName": at.city, "ExpAreaName": at.district, "Address": at.address})
