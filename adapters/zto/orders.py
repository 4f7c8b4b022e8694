"""A parcel in ZTO's words, and the booking in its answer."""

from __future__ import annotations

from typing import Any

from adapters.zto.settings import ZtoSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, required, text
from gateway.contract.writing import domestic, filled
from gateway.domain import Booking, Parcel, Party


def order(settings: ZtoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """A 预约件 (orderType 2), the only kind that can be cancelled. Raise Refused without an e-waybill account."""
    if not settings.account_id or settings.account_password is None:
        raise Refused("booking needs the settings account_id and account_password", config=True)
    account = {"accountId": settings.account_id, "accountPassword": settings.account_password.get_secret_value()}
    items = [{"name": item.name, "quantity": item.quantity, "weight": item.weight_g} for item in parcel.items]
    return {
        "partnerType": settings.partner_type,
        "orderType": "2",
        "partnerOrderCode": key,
        "accountInfo": filled({**account, "type": settings.account_type, "customerId": settings.customer_id}),
        "senderInfo": _party(parcel.sender, "sender"),
        "receiveInfo": _party(parcel.recipient, "receiver"),
        "orderItems": [filled(item) for item in items],
        "remark": parcel.remark,
    }


def booking(row: Fields) -> Booking:
    """Raise OutcomeUnknown for an order that has no waybill number yet."""
    order_code, number = required(row, "orderCode"), text(row, "billCode")
    if not number:
        raise OutcomeUnknown(f"order {order_code} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=order_code, extra={"orderCode": order_code})


def _party(party: Party, role: str) -> dict[str, str]:
    at, phone = party.address, domestic(party.phone)
    said = {"Name": party.name, "Mobile": phone, "Phone": phone, "Province": at.region, "City": at.city}
    said |= {"District": at.district, "Address": at.address}
    return filled({role + name: value for name, value in said.items()})
