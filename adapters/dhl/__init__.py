"""DHL: Shipment Tracking Unified 1.5 (pull), Unified Push 1.2, MyDHL (Express). Source: the sheet carriers/dhl.md.

One number per call. A starter key has 250 calls a day, which is the pace (`calls_per_second` for an upgraded one); a
429 tells in its text whether the day is over (until 00:00 GMT) or the second. `service` tells divisions apart that use
the same numbers. A subscription begins with a hand-shake: DHL pushes a temporary secret, `follow_up` sends it back.

Known limits. Pushes are not signed: they are believed by the header and token we ask for, or by the secret path.
Unverified: the words of the 429, the pause within a day (5 s), retries and life of a subscription, and MyDHL, which is
from memory: its bodies, event codes, fields of checkpoints and the look-up by reference (which may lag behind; an
unused label is not billed). Express shipments cannot be voided, so there is no `cancel`. Not spoken: customs
declarations, pickups, eCommerce Americas, shipments hidden behind `possibleAdditionalShipmentsUrl`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from adapters.dhl import orders
from adapters.dhl.numbers import NUMBERS
from adapters.dhl.settings import DhlSettings
from adapters.dhl.shipments import checkpoint, ours, scans_of
from adapters.dhl.statuses import STATUSES
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, explained, unread
from gateway.contract.errors import BadPayload, BadSignature, Refused, Unavailable
from gateway.contract.reading import listed, load_object, optional, required, text
from gateway.contract.signing import accepted, only_by_path, same
from gateway.contract.writing import filled
from gateway.domain import Booking, LegRef, Parcel, Scan

_PUSH = "/tracking/push/v1"
#: What a subscription tells of itself: no parcel.
_OF_ITSELF = {
    *("subscription.validate", "subscription.activate", "subscription.ready"),
    *("subscription.failure", "subscription.delete", "subscription.deleted"),
}
_EVENTS = ["Transit", "Delivered", "Pre-Transit", "Failure", "Unknown"]  # capitalised here, and only here
#: Seconds to wait where a 429 speaks of no day: reported for new keys.
_SHORT = 5.0


class DhlAdapter(CarrierAdapter):
    """Any division's parcels by one key, their pushes, and Express labels."""

    code = "dhl"
    name = "DHL"
    confidence = "high, low for MyDHL"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK
    Settings = DhlSettings
    statuses = STATUSES
    number_forms = NUMBERS
    rate = Rate(250, 86400)
    remembers_key = 30 * 86400.0  # the dates among which references are looked for

    @classmethod
    def able(cls, settings: DhlSettings) -> Can:
        """Subscriptions need an address, labels an account of MyDHL."""
        paid = settings.username and settings.password and settings.account_number
        lacking = Can.NOTHING if settings.hook_uri else Can.SUBSCRIBE
        return cls.can & ~lacking & ~(Can.NOTHING if paid else Can.BOOK)

    @classmethod
    def by_path(cls, settings: DhlSettings) -> bool:
        """Without a token of ours."""
        return settings.hook_token is None

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """The whole history of each number; 404 is "not found (yet)": a new label is visible after half an hour."""
        read = self._unified if self.settings.tracking == "unified" else self._express
        return [scan for leg in legs for scan in await read(leg.tracking_number)]

    async def _unified(self, number: str) -> list[Scan]:
        with Forgiven(_is_not_found):
            asked = filled({"trackingNumber": number, "service": self.settings.service, "language": "en"})
            answer = load_object(await self._call("GET", "/track/shipments", params=asked))
            found = ours(listed(answer, "shipments"), number, self.settings.service)
            return [scan for shipment in found for scan in scans_of(shipment, number)]
        return []

    async def _express(self, number: str) -> list[Scan]:
        with Forgiven(_is_not_found):
            asked = {"trackingView": "all-checkpoints", "levelOfDetail": "all"}
            answer = await self._mydhl("GET", f"/shipments/{quote(number, safe='')}/tracking", number, params=asked)
            shipments = listed(load_object(answer), "shipments")
            return [checkpoint(number, event) for shipment in shipments for event in listed(shipment, "events")]
        return []

    def verify(self, request: Push) -> None:
        """The header and token we gave at subscription; without a token in the settings, the secret path."""
        tokens = accepted(self.settings.hook_token, self.settings.previous_hook_token)
        if not tokens:
            only_by_path(request)
        given = request.headers.get(self.settings.hook_header.lower(), "")
        if tokens and not any(same(given, token) for token in tokens):
            raise BadSignature(f"{self.settings.hook_header}: is not our token")

    def receive(self, request: Push) -> list[Scan]:
        """Mostly the last status of each shipment; what a subscription tells of itself is no scan."""
        event = load_object(request.body)
        if (scope := required(event, "scope")) in _OF_ITSELF:
            return []
        if scope != "subscription.push":
            raise BadPayload(f"scope: {scope!r} is not known")
        shipments = listed(event, "shipments")
        return [scan for shipment in shipments for scan in scans_of(shipment, required(shipment, "id"))]

    async def follow_up(self, request: Push) -> None:
        """Activate a subscription that asks for it. Raise Refused for one that failed: a person subscribes again."""
        event = load_object(request.body)
        scope = required(event, "scope")
        if scope == "subscription.validate":
            path = re.search("/subscription/([A-Za-z0-9_-]{1,64})/?$", required(event, "self"))
            secret = text(event, "secret") or request.headers.get("dhl-api-hook-secret", "")
            if path is None or not re.fullmatch("[!-~]{1,512}", secret):
                raise BadPayload("self, secret: a subscription and its secret were expected")
            await self._call("POST", f"{_PUSH}/subscription/{path[1]}", headers={"DHL-API-Hook-Secret": secret})
        elif scope == "subscription.failure":
            failure = optional(event, "failure")
            raise Refused(f"{scope} of {text(event, 'self')}: {text(failure, 'title')} {text(failure, 'detail')}")

    async def subscribe(self, leg: LegRef) -> None:
        """Every change of one number. It takes effect with the hand-shake; one more subscription says nothing new."""
        settings = self.settings
        if not settings.hook_uri:
            raise Refused("subscriptions need the setting hook_uri", config=True)
        hook: dict[str, Any] = {"uri": settings.hook_uri}
        if settings.hook_token is not None:
            token = {"header": settings.hook_header, "token": settings.hook_token.get_secret_value()}
            hook["authentication"] = {"type": "ApiKeyAuthentication", **token}
        about = {"format": "Default", "type": "Shipment", "service": settings.service}
        body = {"hook": hook, **filled(about), "events": _EVENTS, "shipmentIDs": [leg.tracking_number]}
        await self._call("POST", f"{_PUSH}/subscription", json=body)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """Under `key` as customer reference; what was booked under it before is the answer."""
        body = orders.shipment(self.settings, parcel, key, self.clock())
        known = await self.find_booking(key)
        if known is not None:
            return known
        answer = await self._mydhl("POST", "/shipments", key, json=body, extensions=DEED)
        with unread(deed=True):
            return orders.booking(load_object(answer), key)

    async def find_booking(self, key: str) -> Booking | None:
        """By customer reference among the account's shipments of the last 30 days."""
        with Forgiven(_is_not_found):
            asked = orders.search(self.settings, key, self.clock())
            shipments = listed(load_object(await self._mydhl("GET", "/tracking", key, params=asked)), "shipments")
            found = [orders.booking(shipment, key) for shipment in shipments]
            return min(found, key=lambda booking: booking.tracking_number, default=None)
        return None

    async def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> bytes:
        """The body of an answer of Unified."""
        key = {"DHL-API-Key": self.settings.dhl_api_key.get_secret_value(), "Accept": "application/json"}
        return await self._send(method, path, headers={**key, **(headers or {})}, **request)

    async def _mydhl(self, method: str, path: str, about: str, **request: Any) -> bytes:
        headers = orders.headers(self.settings, about)
        return await self._send(method, self.settings.mydhl_url + path, headers=headers, **request)

    async def _send(self, method: str, address: str, **request: Any) -> bytes:
        try:
            with explained(_problem):
                return (await self.http.request(method, address, **request)).content
        except Unavailable as busy:
            raise _limited(busy, self.clock()) from busy


def _problem(answer: dict[str, Any]) -> tuple[str, str]:
    """Problem JSON has no code of its own."""
    return "", required(answer, "detail") if "detail" in answer else required(answer, "title")


def _is_not_found(no: Refused) -> bool:
    """DHL's own 404. Raise BadPayload for a page of somebody in between: it says nothing of a number."""
    if no.status == 404 and no.body:
        load_object(no.body)
    return no.status == 404


def _limited(busy: Unavailable, now: datetime) -> Unavailable:
    """A 429 that names no time: until 00:00 GMT where it speaks of the day, else a short while."""
    if busy.code != "429" or busy.retry_after is not None:
        return busy
    midnight = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    of_the_day = re.search(rb"\bday\b|\bdaily\b|quota", busy.body, re.IGNORECASE)
    wait = (midnight - now).total_seconds() if of_the_day else _SHORT
    return Unavailable(busy.detail, code=busy.code, retry_after=wait, body=busy.body)
