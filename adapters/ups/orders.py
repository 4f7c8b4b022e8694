"""A parcel as a UPS shipment, and the booking in the answers that tell of one."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Any

from adapters.ups.activities import some
from adapters.ups.settings import UpsSettings
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, inside, required
from gateway.contract.writing import INCH_MM, POUND_G, measured
from gateway.domain import Booking, Parcel, Party

LABEL = {"LabelImageFormat": {"Code": "GIF"}}
_KG_G, _CM_MM = Decimal(1000), Decimal(10)


def reference(key: str) -> str:
    """Our key as a reference number of at most 35 plain characters, the same for every try."""
    return key if re.fullmatch("[A-Za-z0-9-]{1,35}", key) else hashlib.sha256(key.encode()).hexdigest()[:35]


def shipment(settings: UpsSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """The body of a booking. Raise Refused without an account, and for a service that is no UPS code."""
    account, service = settings.shipper_number, settings.services.get(parcel.service, parcel.service)
    if not account or not re.fullmatch("[0-9A-Z]{2,3}", service):
        raise Refused(f"set shipper_number, and {parcel.service!r} in services", config=True)
    numbers = {"ReferenceNumber": [{"Value": reference(key)}]}
    domestic = {parcel.sender.address.country, parcel.recipient.address.country} == {"US"}
    said = {
        "Shipper": {**_party(parcel.sender), "ShipperNumber": account},
        "ShipTo": _party(parcel.recipient),
        "Service": {"Code": service},
        "PaymentInformation": {"ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": account}}]},
        "Package": [_package(parcel) | (numbers if domestic else {})],  # elsewhere only shipments have one
    }
    said |= {} if domestic else numbers
    request = {"RequestOption": "nonvalidate", "TransactionReference": {"CustomerContext": key}}
    return {"ShipmentRequest": {"Request": request, "Shipment": said, "LabelSpecification": LABEL}}


def recovery(settings: UpsSettings, key: str) -> dict[str, Any]:
    """The body that asks for the label of a booking again, by its reference number."""
    wanted = {"ReferenceNumber": {"Value": reference(key)}, "ShipperNumber": settings.shipper_number}
    return {"LabelRecoveryRequest": {"Request": {}, "LabelSpecification": LABEL, "ReferenceValues": wanted}}


def shipped(answer: Fields) -> Booking:
    """The booking in the answer to `shipment`."""
    results = inside(answer, "ShipmentResponse", "ShipmentResults")
    return _booking(results, _first(results, "PackageResults"))


def recovered(answer: Fields) -> Booking:
    """The booking in the answer to `recovery`."""
    label = inside(answer, "LabelRecoveryResponse")
    return _booking(label, _first(label, "LabelResults"))


def booking(number: str, shipment_number: str) -> Booking:
    """The shipment's own number is what it is voided by."""
    extra = {"ShipmentIdentificationNumber": shipment_number}
    return Booking(tracking_number=number, reference=shipment_number, extra=extra)


def _booking(found: Fields, package: Fields) -> Booking:
    return booking(required(package, "TrackingNumber"), required(found, "ShipmentIdentificationNumber"))


def _first(source: Fields, field: str) -> dict[str, Any]:
    """The first package: a list, or an object in the answers of older versions."""
    found = source.get(field)
    return found if isinstance(found, dict) else some(source, field)[0]


def _party(party: Party) -> dict[str, Any]:
    at = party.address
    lines = [line for line in (at.address, at.district) if line]
    address = {"AddressLine": lines, "City": at.city, "StateProvinceCode": at.region, "PostalCode": at.postcode}
    contact = {"Name": party.company or party.name, "AttentionName": party.name}
    phone = {"Phone": {"Number": party.phone.lstrip("+")}} if party.phone else {}
    return {**contact, **phone, "Address": {**address, "CountryCode": at.country}}


def _package(parcel: Parcel) -> dict[str, Any]:
    """Pounds and inches from the United States, else kilograms and centimetres."""
    american = parcel.sender.address.country == "US"
    weight_unit, gram, length_unit, mm = ("LBS", POUND_G, "IN", INCH_MM) if american else ("KGS", _KG_G, "CM", _CM_MM)
    weight = {"UnitOfMeasurement": {"Code": weight_unit}, "Weight": str(measured(parcel.weight_g, gram))}
    sides = {"Length": parcel.length_mm, "Width": parcel.width_mm, "Height": parcel.height_mm}
    package: dict[str, Any] = {"Packaging": {"Code": "02"}, "PackageWeight": weight}
    if all(sides.values()):
        sizes = {name: str(measured(side or 0, mm)) for name, side in sides.items()}
        package["Dimensions"] = {"UnitOfMeasurement": {"Code": length_unit}, **sizes}
    return package
