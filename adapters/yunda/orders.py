"""A parcel in Yunda's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.yunda.settings import YundaSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def ordered(settings: YundaSettings, order: Fields) -> dict[str, Any]:
    """One order with the branch account in front. Raise Refused without one."""
    if not settings.partner_id or settings.partner_secret is None:
        raise Refused("orders need the settings partner_id and partner_secret", config=True)
    account = {"appid": settings.appid or settings.app_key, "partner_id": settings.partner_id}
    return {**account, "secret": settings.partner_secret.get_secret_value(), "orders": [order]}


def order(settings: YundaSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """One order of createBmOrder, weight in kg."""
    said: dict[str, Any] = {"order_serial_no": key, "khddh": parcel.order_id, "order_type": settings.order_type}
    said |= {"sender": _party(parcel.sender), "receiver": _party(parcel.recipient), "remark": parcel.remark}
    said |= {"items": [{"name": item.name, "number": item.quantity} for item in parcel.items] or None}
    return filled(said | {"weight": parcel.weight_g / 1000, **settings.order})


def booking(row: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet."""
    number = text(row, "mail_no")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=key)


def _party(party: Party) -> dict[str, str]:
    at = in_china(party)
    said = {"name": party.name, "company": party.company, "mobile": domestic(party.phone), "province": at.region}
    return filled(said | {"city": at.city, "county": at.district, "address": at.address})
