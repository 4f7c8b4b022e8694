"""How EasyPost writes: errors, rates, tracking details."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.contract.carrier import Reply
from gateway.sandbox.carriers.words import EASYPOST_WORDS, meaning
from gateway.sandbox.records import Event

Data = Mapping[str, object]

RATES = (("USPS", "Priority", "6.07", 2), ("USPS", "GroundAdvantage", "4.90", 4), ("USPS", "Express", "28.75", 1))


def object_in(source: Data, name: str) -> dict[str, object]:
    value = source.get(name)
    return value if isinstance(value, dict) else {}


def problem(status: int, code: str, message: str) -> Reply:
    return Reply.json({"error": {"code": code, "message": message, "errors": []}}, status=status)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rate_of(shipment: str, number: int, rate: tuple[str, str, str, int]) -> dict[str, object]:
    carrier, service, price, days = rate
    identity = {"id": f"rate_{shipment[4:]}{number}", "object": "Rate", "carrier_account_id": "ca_sandbox"}
    return identity | {
        "carrier": carrier,
        "service": service,
        "rate": price,
        "currency": "USD",
        "delivery_days": days,
        "est_delivery_days": days,
    }


def rates_in(document: Data) -> list[dict[str, object]]:
    rates = document["rates"]
    return rates if isinstance(rates, list) else []


def words_of(event: Event) -> tuple[str, str]:
    """status, status_detail. An event's own code is the detail; its coarse word is then `unknown`."""
    return ("unknown", event.code) if event.code else meaning(EASYPOST_WORDS, event)


def detail_of(event: Event) -> dict[str, object]:
    status, detail = words_of(event)
    place = {"object": "TrackingLocation", "city": event.place or None, "state": None, "country": None, "zip": None}
    if event.place:
        place["country"] = "US"
    return {
        "object": "TrackingDetail",
        "message": event.text,
        "description": "",
        "status": status,
        "status_detail": detail,
        "datetime": stamp(event.at),
        "source": "USPS",
        "carrier_code": "",
        "tracking_location": place,
    }
