"""A parcel as a Shippo shipment, the rate to buy, and what a transaction (a label) has become."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.shippo.settings import ShippoSettings
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.contract.reading import Fields, listed, objects, optional, required, text, unreadable
from gateway.contract.signing import short_key
from gateway.contract.writing import filled
from gateway.domain import Booking, Parcel, Party

_BOUGHT = frozenset({"SUCCESS", "REFUNDREJECTED"})
_PENDING = frozenset({"QUEUED", "WAITING"})
#: A label whose refund was asked for is void to us, whatever becomes of the money.
VOID = frozenset({"REFUNDED", "REFUNDPENDING"})


def metadata(key: str) -> str:
    """Our key where Shippo takes 100 characters."""
    return short_key(key, 100)


def shipment(settings: ShippoSettings, parcel: Parcel, key: str) -> dict[str, Any]:
    """What rates are asked for, under `key`."""
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    known = sides if None not in sides.values() else {}
    box = {name: str(side) for name, side in known.items()} | ({"distance_unit": "mm"} if known else {})
    ends = {"address_from": _address(parcel.sender), "address_to": _address(parcel.recipient)}
    accounts = {"carrier_accounts": list(settings.carrier_accounts)} if settings.carrier_accounts else {}
    weight = {"weight": str(parcel.weight_g), "mass_unit": "g"}
    return {**ends, "parcels": [box | weight], "metadata": metadata(key), "async": False, **accounts}


def rates(created: Fields) -> list[str]:
    """The ids of all rates of a shipment."""
    return [required(rate, "object_id") for rate in listed(created, "rates")]


def cheapest(created: Fields, service: str, company: str) -> str:
    """The id of the rate to buy. Raise Refused when none fits, and where prices cannot be compared."""
    offers = listed(created, "rates")
    wanted = {"service": service, "company": company}
    fitting = [offer for offer in offers if all(_offered(offer)[name] == said for name, said in filled(wanted).items())]
    if not fitting:
        said = [text(message, "text") for message in objects(created.get("messages"), "messages")]
        offered = [" ".join(_offered(offer).values()) for offer in offers]
        raise Refused(f"no rate for {company} {service}: {'; '.join(said + offered)[:500]}")
    if len({text(offer, "currency") for offer in fitting}) > 1:
        raise Refused("rates in several currencies: name a service")
    with unreadable("amount", "a price"):
        return required(min(fitting, key=lambda offer: Decimal(required(offer, "amount"))), "object_id")


def transaction(settings: ShippoSettings, rate: str, key: str) -> dict[str, Any]:
    """What buys a rate."""
    return {"rate": rate, "label_file_type": settings.label_file_type, "async": False, "metadata": metadata(key)}


def booking(bought: Fields) -> Booking | None:
    """None for a label that is void or failed. Raise OutcomeUnknown for one that is still being made."""
    state, reference = required(bought, "status"), required(bought, "object_id")
    if state in _PENDING:
        raise OutcomeUnknown(f"transaction {reference} is {state}, its label still to come", code=state)
    if state not in _BOUGHT:
        return None
    extra = filled({"label_url": text(bought, "label_url")})
    return Booking(tracking_number=required(bought, "tracking_number"), reference=reference, extra=extra)


def failure(bought: Fields) -> str:
    """Why a label could not be bought."""
    messages = objects(bought.get("messages"), "messages")
    return "; ".join(text(message, "text") for message in messages)[:500] or text(bought, "status")


def _offered(offer: Fields) -> dict[str, str]:
    """The service and the carrier of a rate, as tokens."""
    company = text(offer, "provider").casefold().replace(" ", "_")
    return {"service": text(optional(offer, "servicelevel"), "token"), "company": company}


def _address(party: Party) -> dict[str, str]:
    at = party.address
    who = {"name": party.name, "company": party.company, "phone": party.phone, "email": party.email}
    where = {"street1": at.address, "street2": at.district, "city": at.city, "state": at.region, "zip": at.postcode}
    return filled({**who, **where, "country": at.country})
