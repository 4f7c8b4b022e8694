"""A parcel as a shipment of MyDHL (Express), and the booking in its answer (sheet f)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.dhl.settings import DhlSettings
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, required
from gateway.contract.signing import basic, md5_hex, short_key
from gateway.contract.writing import filled
from gateway.domain import Booking, Parcel, Party

_LABEL = {"imageOptions": [{"typeCode": "label", "templateName": "ECOM26_84_001"}]}
#: Days among which a reference is looked for.
_WINDOW, _DAY = timedelta(days=30), timedelta(days=1)


def shipment(settings: DhlSettings, parcel: Parcel, key: str, now: datetime) -> dict[str, Any]:
    """Raise Refused for a parcel that needs a customs declaration: we cannot say that it needs none."""
    ends = {parcel.sender.address.country, parcel.recipient.address.country}
    if len(ends) > 1 and not ends <= set(settings.customs_union):
        raise Refused(f"{' to '.join(sorted(ends))}: an export declaration, which is not spoken")
    names = ", ".join(item.name for item in parcel.items)
    return {
        "plannedShippingDateAndTime": f"{now.astimezone(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S} GMT+00:00",
        "pickup": {"isRequested": False},
        "productCode": settings.products.get(parcel.service, parcel.service),
        "accounts": [{"typeCode": "shipper", "number": settings.account_number}],
        "customerReferences": [{"typeCode": "CU", "value": short_key(key, 35)}],
        "outputImageProperties": _LABEL,
        "customerDetails": {"shipperDetails": _party(parcel.sender), "receiverDetails": _party(parcel.recipient)},
        "content": {
            "packages": [_size(parcel)],
            "isCustomsDeclarable": False,
            "description": (names or parcel.remark or parcel.order_id)[:70],
            "incoterm": "DAP",
            "unitOfMeasurement": "metric",
        },
    }


def booking(answer: Fields, key: str) -> Booking:
    """The waybill of a new or a found shipment."""
    return Booking(tracking_number=required(answer, "shipmentTrackingNumber"), reference=key)


def search(settings: DhlSettings, key: str, now: datetime) -> dict[str, str]:
    """The query for a reference of ours among the account's shipments of the last month."""
    dates = {"dateRangeFrom": f"{now - _WINDOW:%Y-%m-%d}", "dateRangeTo": f"{now + _DAY:%Y-%m-%d}"}
    account = {"shipperAccountNumber": settings.account_number}
    return {"shipmentReference": short_key(key, 35), "shipmentReferenceType": "CU", **account, **dates}


def headers(settings: DhlSettings, about: str) -> dict[str, str]:
    """Basic credentials and a reference of 32 characters for tracing. Raise Refused without an account."""
    if not settings.username or settings.password is None:
        raise Refused("MyDHL needs the settings username and password", config=True)
    proof = basic(settings.username, settings.password.get_secret_value())
    return {"Authorization": proof, "Message-Reference": md5_hex(about)}


def _party(party: Party) -> dict[str, Any]:
    at = party.address
    place = {"postalCode": at.postcode, "cityName": at.city, "countryCode": at.country, "addressLine1": at.address}
    place |= {"provinceName": at.region, "addressLine2": at.district}
    contact = {"phone": party.phone, "companyName": party.company or party.name, "fullName": party.name}
    return {"postalAddress": filled(place), "contactInformation": filled({**contact, "email": party.email})}


def _size(parcel: Parcel) -> dict[str, Any]:
    """Kilograms and centimetres; the sides where all three are known."""
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    metric = {name: -(-side // 10) for name, side in sides.items() if side is not None}
    weight = {"weight": round(parcel.weight_g / 1000, 3)}
    return {**weight, "dimensions": metric} if len(metric) == len(sides) else weight
