"""A parcel as an EasyPost shipment, the rate to buy, and the booking in what was bought."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.easypost.settings import EasyPostSettings
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, listed, objects, optional, required, text, unreadable
from gateway.contract.writing import INCH_MM, OUNCE_G, filled, measured
from gateway.domain import Booking, Parcel, Party


def shipment(settings: EasyPostSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """What is created, under `key` as its reference."""
    options = {"label_format": settings.label_format, "invoice_number": parcel.order_id}
    accounts = {"carrier_accounts": list(settings.carrier_accounts)} if settings.carrier_accounts else {}
    ends = {"to_address": _address(parcel.recipient), "from_address": _address(parcel.sender)}
    return {**ends, "parcel": _size(parcel), "options": options, "reference": key, **accounts}


def booking(bought: Fields) -> Booking:
    """Raise BadPayload for a shipment that is not bought."""
    label, rate = optional(bought, "postage_label"), optional(bought, "selected_rate")
    extra = {"label_url": text(label, "label_url"), "company": text(rate, "carrier"), "service": text(rate, "service")}
    number, reference = required(bought, "tracking_code"), required(bought, "id")
    return Booking(tracking_number=number, reference=reference, extra=filled(extra))


def cheapest(created: Fields, service: str, company: str) -> str:
    """The id of a rate. Raise Refused when none fits, with what the carriers say, or when prices cannot be compared."""
    rates, wanted = listed(created, "rates"), filled({"service": service, "carrier": company})
    fitting = [rate for rate in rates if all(text(rate, name) == value for name, value in wanted.items())]
    if not fitting:
        offered = [f"{text(rate, 'carrier')} {text(rate, 'service')}" for rate in rates]
        said = [text(message, "message") for message in objects(created.get("messages"), "messages")]
        raise Refused(f"no rate for {company} {service}; {'; '.join(said + offered)[:500]}")
    if len({text(rate, "currency") for rate in fitting}) > 1:
        raise Refused("rates in several currencies; name a service")
    with unreadable("rate", "a price"):
        return required(min(fitting, key=lambda rate: Decimal(required(rate, "rate"))), "id")


def _address(party: Party) -> dict[str, str]:
    at = party.address
    said = {"name": party.name, "company": party.company, "phone": party.phone, "email": party.email}
    said |= {"street1": at.address, "street2": at.district, "city": at.city, "state": at.region}
    return filled({**said, "zip": at.postcode, "country": at.country})


def _size(parcel: Parcel) -> dict[str, float]:
    """Ounces, and inches where all three are known."""
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    inches = {name: float(round(Decimal(side) / INCH_MM, 2)) for name, side in sides.items() if side is not None}
    return {"weight": float(measured(parcel.weight_g, OUNCE_G)), **(inches if len(inches) == len(sides) else {})}
