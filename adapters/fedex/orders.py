"""A parcel as a FedEx shipment, and the booking in its answer (sheet f)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from adapters.fedex.settings import FedexSettings
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, inside, listed, optional, required, text, unreadable
from gateway.contract.signing import md5_hex
from gateway.contract.writing import INCH_MM, POUND_G, filled, measured
from gateway.domain import Booking, Parcel, Party

_KILO_G, _CENTI_MM = Decimal(1000), Decimal(10)
#: Ship dates among which a number or a reference is looked for; dates are of UTC, so a day more on either side.
_WINDOW, _DAY = timedelta(days=30), timedelta(days=1)


def shipment(settings: FedexSettings, parcel: Parcel, key: str, now: datetime) -> dict[str, Any]:
    """The order, under `key` as the shipper's reference. Raise Refused without an account."""
    american = parcel.sender.address.country == "US"
    reference = {"customerReferenceType": "CUSTOMER_REFERENCE", "value": reference_of(key)}
    requested = {
        "shipper": _party(parcel.sender),
        "recipients": [_party(parcel.recipient)],
        "shipDatestamp": f"{now:%Y-%m-%d}",
        "serviceType": settings.services.get(parcel.service, parcel.service),
        "packagingType": settings.packaging_type,
        "pickupType": settings.pickup_type,
        "shippingChargesPayment": {"paymentType": "SENDER"},
        "labelSpecification": {"imageType": "PDF", "labelStockType": "PAPER_4X6"},
        "requestedPackageLineItems": [{**_size(parcel, american=american), "customerReferences": [reference]}],
    }
    return {"labelResponseOptions": "URL_ONLY", "accountNumber": account(settings), "requestedShipment": requested}


def booked(answer: Fields, key: str, parcel: Parcel, now: datetime) -> Booking:
    """The first package of the shipment. Raise BadPayload where there is none (a job that is still under way)."""
    shipped = listed(inside(answer, "output"), "transactionShipments")
    first = shipped[0] if shipped else {}
    number = text(first, "masterTrackingNumber") or required(first, "trackingNumber")
    extra = {"shipDatestamp": f"{now:%Y-%m-%d}", "senderCountryCode": parcel.sender.address.country}
    return Booking(tracking_number=number, reference=key, extra=filled(extra))


def search(settings: FedexSettings, key: str, now: datetime) -> dict[str, Any]:
    """The look-up of a reference of ours among the account's shipments of the last month."""
    dates = {"shipDateBegin": f"{now - _WINDOW:%Y-%m-%d}", "shipDateEnd": f"{now + _DAY:%Y-%m-%d}"}
    wanted = {"type": "CUSTOMER_REFERENCE", "value": reference_of(key), **dates}
    return {"referencesInformation": {**wanted, "accountNumber": account(settings)["value"]}}


def dates_around(shipped: str) -> dict[str, str]:
    """The window in which a number booked on a day (ISO) is ours and not a later parcel's. Raise BadPayload."""
    with unreadable("shipDatestamp", shipped):
        day = date.fromisoformat(shipped)
    return {"shipDateBegin": f"{day - _DAY}", "shipDateEnd": f"{day + _WINDOW - _DAY}"}


def found(result: Fields, key: str) -> Booking:
    """The booking a track result of that look-up tells of."""
    number = required(inside(result, "trackingNumberInfo"), "trackingNumber")
    return Booking(tracking_number=number, reference=key)


def is_void(result: Fields) -> bool:
    """Whether the shipment of a track result was cancelled."""
    latest = optional(result, "latestStatusDetail")
    return (text(latest, "derivedCode") or text(latest, "code")) == "CA"


def account(settings: FedexSettings) -> dict[str, str]:
    """Raise Refused where none is set."""
    if not settings.account_number:
        raise Refused("booking and cancelling need the setting account_number", config=True)
    return {"value": settings.account_number}


def reference_of(key: str) -> str:
    """The key as a customer reference, which holds 30 characters at the least of FedEx's services."""
    return key if len(key) <= 30 else md5_hex(key)[:30]


def _party(party: Party) -> dict[str, Any]:
    at = party.address
    contact = {"personName": party.name, "companyName": party.company, "emailAddress": party.email}
    place = {"city": at.city, "stateOrProvinceCode": at.region, "postalCode": at.postcode, "countryCode": at.country}
    lines = [line for line in (at.address, at.district) if line]
    phone = {"phoneNumber": party.phone.lstrip("+")}
    return {"contact": filled({**contact, **phone}), "address": {"streetLines": lines, **filled(place)}}


def _size(parcel: Parcel, *, american: bool) -> dict[str, Any]:
    """Pounds and inches from the United States, else kilograms and centimetres; sides where all three are known."""
    gram, mm = (POUND_G, INCH_MM) if american else (_KILO_G, _CENTI_MM)
    weight = {"units": "LB" if american else "KG", "value": float(measured(parcel.weight_g, gram))}
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    whole = {name: ceil(Decimal(side) / mm) for name, side in sides.items() if side is not None}
    if len(whole) < len(sides):
        return {"weight": weight}
    return {"weight": weight, "dimensions": {**whole, "units": "IN" if american else "CM"}}
