"""A parcel in the words of the order product, and the booking in its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.kuaidi100.settings import Kuaidi100Settings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, as_object, required, text
from gateway.contract.signing import short_key
from gateway.contract.writing import domestic
from gateway.domain import Booking, Parcel, Party


def order(settings: Kuaidi100Settings, parcel: Parcel, company: str, key: str) -> dict[str, Any]:
    """The param of bOrderBest. Raise Refused for a service without a word of theirs."""
    services = {"": "", "standard": "", **settings.services}  # empty: the provider's default, 标准快递
    if parcel.service not in services:
        raise Refused(f"services: has no word for {parcel.service!r}")
    said = {"kuaidicom": company, **_person("rec", parcel.recipient), **_person("send", parcel.sender)}
    said |= {"cargo": "、".join(item.name for item in parcel.items), "remark": parcel.remark, "payment": "SHIPPER"}
    said |= {"weight": str(parcel.weight_g / 1000), "serviceType": services[parcel.service]}
    if back := settings.callback_url:
        salt = settings.salt.get_secret_value()
        said |= {"callBackUrl": back, "pollCallBackUrl": back, "salt": salt, "op": "1", "resultv2": "4"}
    return said | {**settings.booking_fields, "thirdOrderId": short_key(key, 32)}


def booking(answer: dict[str, str]) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet (Yunda)."""
    if not (number := answer["kuaidinum"]):
        raise OutcomeUnknown(f"order {answer['orderId']} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=answer["orderId"], extra={"taskId": answer["taskId"]})


def callback(param: Fields, came: datetime) -> dict[str, Any]:
    """A state of an order in the words of a query: one event, and none before it has a waybill number (or for 610).

    Callbacks tell no time: they get that of their arrival.
    """
    data = as_object(param.get("data", param), "data")
    word, number = "order:" + required(data, "status"), text(param, "kuaidinum") or text(data, "kuaidinum")
    why = text(data, "cancelMsg99") or text(data, "cancelMsg9") or text(param, "message")
    event = {"statusCode": word, "context": why, "ftime": f"{came.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}
    told = [event] if number and word != "order:610" else []
    return {"nu": number, "com": text(param, "kuaidicom"), "data": told}


def _person(role: str, party: Party) -> dict[str, str]:
    end = party.address
    where = "".join(dict.fromkeys((end.region, end.city, end.district, end.address)))  # 北京市 is both
    return {f"{role}ManName": party.name, f"{role}ManMobile": domestic(party.phone), f"{role}ManPrintAddr": where}
