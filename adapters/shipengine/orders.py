"""A parcel as a ShipEngine label, and the booking in one."""

from __future__ import annotations

from typing import Any

from adapters.shipengine.settings import ShipEngineSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, optional, required, text
from gateway.contract.signing import short_key
from gateway.contract.writing import INCH_MM, OUNCE_G, filled, measured
from gateway.domain import Booking, Parcel, Party


def external_id(key: str) -> str:
    """Our key where ShipEngine takes 50 characters."""
    return short_key(key, 50)


def label(settings: ShipEngineSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """What buys a label, under `key`. Raise Refused without a carrier account or a service."""
    if not settings.carrier_id:
        raise Refused("booking needs the setting carrier_id", config=True)
    if not parcel.service:
        raise Refused("service: ShipEngine books a service_code, and the route names none")
    shipment = {
        "carrier_id": settings.carrier_id,
        "service_code": parcel.service,
        "external_shipment_id": external_id(key),
        "ship_to": _address(parcel.recipient),
        "ship_from": _address(parcel.sender),
        "packages": [_package(parcel)],
    }
    return {"shipment": shipment, "label_format": settings.label_format}


def booking(bought: Fields) -> Booking | None:
    """None for a label that is void or failed. Raise OutcomeUnknown for one that is still being made."""
    state, reference = text(bought, "status"), required(bought, "label_id")
    if state in {"voided", "error"}:
        return None
    if state == "processing":
        raise OutcomeUnknown(f"label {reference} is being made", code=state)
    download = optional(bought, "label_download")
    extra = {"label_url": next((url for form in ("pdf", "png", "zpl") if (url := text(download, form))), "")}
    return Booking(tracking_number=required(bought, "tracking_number"), reference=reference, extra=filled(extra))


def _address(party: Party) -> dict[str, str]:
    at = party.address
    said = {"name": party.name, "company_name": party.company, "phone": party.phone, "email": party.email}
    said |= {"address_line1": at.address, "address_line2": at.district, "city_locality": at.city}
    return filled({**said, "state_province": at.region, "postal_code": at.postcode, "country_code": at.country})


def _package(parcel: Parcel) -> dict[str, Any]:
    """Ounces, and inches where all three are known."""
    weight = {"value": float(measured(parcel.weight_g, OUNCE_G)), "unit": "ounce"}
    if parcel.length_mm is None or parcel.width_mm is None or parcel.height_mm is None:
        return {"weight": weight}
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    inches = {name: float(measured(side, INCH_MM)) for name, side in sides.items()}
    return {"weight": weight, "dimensions": {"unit": "inch", **inches}}
