"""A parcel in Cainiao's words, and the waybill in its answer."""

from __future__ import annotations

from typing import Any

from adapters.cainiao.settings import CainiaoSettings
from gateway.contract.errors import OutcomeUnknown
from gateway.contract.reading import Fields, listed, text
from gateway.contract.writing import domestic, filled, in_china
from gateway.domain import Booking, Parcel, Party


def order(settings: CainiaoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The content of TMS_WAYBILL_GET for one parcel, weight in grams."""
    items = [{"name": item.name, "count": item.quantity} for item in parcel.items]
    said: dict[str, Any] = {"objectId": key, "recipient": _party(parcel.recipient)}
    said["orderInfo"] = {"orderChannelsType": settings.order_channel, "tradeOrderList": [key]}
    said["packageInfo"] = filled({"id": key, "items": items or None, "weight": parcel.weight_g})
    said |= {"templateUrl": settings.template_url, "userId": settings.user_id, **settings.waybill_fields}
    return {"cpCode": settings.cp_code, "sender": _party(parcel.sender), "tradeOrderInfoDtos": [filled(said)]}


def booking(answer: Fields, key: str) -> Booking:
    """Raise OutcomeUnknown where no waybill of ours is told."""
    rows = listed(answer, "waybillCloudPrintResponseList")
    number = next((text(row, "waybillCode") for row in rows if text(row, "objectId", key) == key), "")
    if not number:
        raise OutcomeUnknown(f"order {key} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=key)


def _party(party: Party) -> dict[str, Any]:
    at = in_china(party)
    address = {"province": at.region, "city": at.city, "district": at.district, "detail": at.address}
    return filled({"name": party.name, "mobile": domestic(party.phone), "address": filled(address)})
