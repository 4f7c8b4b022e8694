"""ShipEngine API v1, sold as ShipStation API v2 too. Source: the fact sheet carriers/shipengine.md.

An aggregator. One number per call, named with its carrier_code; 200 requests a minute live (unverified), 20 in the
sandbox (set `calls_per_second: 0.33`). A number nobody knows is a 200 with `UN`.

Known limits. Pushes are signed with keys from a key set; how `verify` knows them without asking is in keys.py. Retries
of pushes (about two more, half an hour apart), the pace and part of the fields are unverified. A push of a status
without any event has the time at which it came in. Fields of labels beyond the sheet's (units, `status`) and the
look-up by `external_shipment_id` are from ShipEngine's public reference. A parcel on its way back may end with DE: the
fold decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

from adapters.shipengine import orders
from adapters.shipengine.keys import Keys
from adapters.shipengine.settings import ShipEngineSettings
from adapters.shipengine.statuses import STATUSES, word
from adapters.shipengine.times import bare, when
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, ask, explained, unread
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.reading import (
    Fields,
    inside,
    iso_time,
    joined,
    listed,
    load_object,
    objects,
    required,
    text,
)
from gateway.contract.signing import unsigned
from gateway.contract.writing import company_of
from gateway.domain import Booking, LegRef, Parcel, Scan

_WINDOW = timedelta(minutes=5)


class ShipEngineAdapter(CarrierAdapter):
    """Tracking by number and by signed push; labels under a unique id of ours."""

    code = "shipengine"
    name = "ShipEngine"
    confidence = "medium"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = ShipEngineSettings
    aggregator = True
    rate = Rate(200, 60)
    statuses = STATUSES

    @classmethod
    def able(cls, settings: ShipEngineSettings) -> Can:
        """Booking is charged to a carrier account."""
        return cls.can if settings.carrier_id else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg; `UN` and `NY` are "not found (yet)"."""
        return [scan for leg in legs for scan in self._scans(await self._tracking(leg))]

    def verify(self, request: Push) -> None:
        """RSA over `timestamp.body`, by the key of the `kid`; the time at most five minutes away."""
        kid, signature, at = (
            request.headers.get(f"x-shipengine-{name}", "")
            for name in ("rsa-sha256-key-id", "rsa-sha256-signature", "timestamp")
        )
        if not (kid and signature and at):
            raise BadSignature("x-shipengine-*: key id, signature and timestamp must all be there")
        with unsigned():
            then = iso_time(at, "x-shipengine-timestamp")
        if then.tzinfo is None or abs(self.clock() - then) > _WINDOW:
            raise BadSignature(f"x-shipengine-timestamp: {at[:40]!a} is more than five minutes away")
        self._keys.verify(kid, signature, f"{at}.".encode("utf-8", "surrogatepass") + request.body)

    async def learn(self) -> bool:
        """The key set, for a `kid` that nobody knew; at most once in five minutes."""
        return await self._keys.learn(self._fetch_keys, self.clock())

    def receive(self, request: Push) -> list[Scan]:
        """The whole tracking of API_TRACK; other resources have nothing for us."""
        event = load_object(request.body)
        if required(event, "resource_type") != "API_TRACK":
            return []
        return self._scans(inside(event, "data"), came_in=request.received_at or self.clock())

    async def subscribe(self, leg: LegRef) -> None:
        """Start tracking: an empty yes, the same when repeated."""
        await self._send("POST", "/tracking/start", params=self._number(leg))

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """A label of `parcel.service`. `key` is the external_shipment_id, which ShipEngine takes once."""
        body = orders.label(self.settings, parcel, key)
        if (booked := await self.find_booking(key)) is not None:
            return booked
        bought = await self._call("POST", "/labels", deed=True, json=body)
        with unread(deed=True):
            booked = orders.booking(bought)
        if booked is None:
            raise Refused("the label failed", code=text(bought, "status"), status=200)
        return booked

    async def find_booking(self, key: str) -> Booking | None:
        """The label under our id; one that is void or failed is none."""
        with Forgiven(lambda no: no.status == 404):
            path = f"/labels/external_shipment_id/{quote(orders.external_id(key), safe='')}"
            return orders.booking(await self._call("GET", path))
        return None

    async def cancel(self, leg: LegRef) -> None:
        """Void a label; `reference` is its id. A no is `approved: false` inside a 200."""
        if not leg.reference:
            raise Refused("reference: the leg has none, and it is the label's id")
        path = f"/labels/{quote(leg.reference, safe='')}"
        try:
            answer = await self._call("PUT", f"{path}/void", deed=True)
            with unread(deed=True):
                approved = required(answer, "approved") == "true"
            if not approved:
                raise Refused(text(answer, "message") or "not approved", code="approved: false", status=200)
        except Refused as no:
            if no.config or not await self._is_void(path):
                raise

    async def _tracking(self, leg: LegRef) -> dict[str, Any]:
        return await self._call("GET", "/tracking", params=self._number(leg))

    def _scans(self, tracking: Fields, came_in: datetime | None = None) -> list[Scan]:
        """came_in: the time of a push, for a status that no event tells of."""
        required(tracking, "status_code")
        number, company = required(tracking, "tracking_number"), text(tracking, "carrier_code") or None
        events = objects(tracking.get("events"), "events") or bare(tracking, came_in)
        scans = [self._scan(number, company, event) for event in events]
        return [scan for scan in scans if scan is not None]

    def _scan(self, number: str, company: str | None, event: Fields) -> Scan | None:
        """One event, None for one that says nothing (yet)."""
        code = word(event)
        if code is None:
            return None
        (at, basis), (status, reason) = when(event), self.meaning(code)
        return Scan(
            tracking_number=number,
            company=company,
            at=at,
            basis=basis,
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(event, "description"),
            place=joined(event, "city_locality", "state_province", "country_code"),
        )

    async def _is_void(self, path: str) -> bool:
        with Forgiven(lambda no: no.status == 404):
            return text(await self._call("GET", path), "status") == "voided"
        return False

    def _number(self, leg: LegRef) -> dict[str, str]:
        company = company_of(self.code, leg, self.settings.company)
        return {"carrier_code": company, "tracking_number": leg.tracking_number}

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self.settings.jwks)

    async def _fetch_keys(self) -> dict[str, Any]:
        return await ask(self.http, "GET", self.settings.jwks_url)

    async def _call(self, method: str, path: str, *, deed: bool = False, **request: Any) -> dict[str, Any]:
        with unread(deed=deed):
            return load_object(await self._send(method, path, deed=deed, **request))

    async def _send(self, method: str, path: str, *, deed: bool = False, **request: Any) -> bytes:
        """The body of a yes, which may be empty."""
        headers = {"api-key": self.settings.api_key.get_secret_value()}
        with explained(_error):
            extensions = DEED if deed else {}
            response = await self.http.request(method, path, headers=headers, extensions=extensions, **request)
        return response.content


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """The first error of a refusal."""
    first = next(iter(listed(answer, "errors")), {})
    return text(first, "error_code"), text(first, "message")
