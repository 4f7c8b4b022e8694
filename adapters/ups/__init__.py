"""UPS: Track v1, Track Alert v1 and v2, Ship and Void v2409, Delivery Intercept v2. Source: the sheet carriers/ups.md.

One number per query; no published pace, token life or push retry (the gateway's defaults apply). Pushes are not signed:
v1 brings the `credential` we chose, v2 a bearer that we issue ourselves (`token`) and our client id in `x-api-key`.

Known limits. Intercepts cost a fee that is not asked about first; their fields (setting `intercept`) are from UPS's
OpenAPI. Labels are not kept: they are fetched again by label recovery, which also finds a booking whose answer was
lost. "Already voided" has no documented code and is known by its words. A delivery after a return is left to the fold:
011 does not say who has it. Codes 070-169 have one source, 155/156 too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

from adapters.ups import orders, wire
from adapters.ups.activities import from_alert, packages, scan, when
from adapters.ups.numbers import NUMBERS
from adapters.ups.settings import UpsSettings
from adapters.ups.statuses import STATUSES
from gateway.contract.bearer import Bearers
from gateway.contract.carrier import Can, CarrierAdapter, Push, Reply
from gateway.contract.client import Forgiven, ask, explained
from gateway.contract.errors import BadPayload, BadSignature, Refused
from gateway.contract.reading import Fields, load_object, objects, required, text
from gateway.contract.signing import same
from gateway.contract.tokens import Token, TokenCache, client_credentials
from gateway.domain import Booking, LegRef, Parcel, Scan

_quoted = partial(quote, safe="")


class UpsAdapter(CarrierAdapter):
    """UPS by its REST API: OAuth client credentials, a `transId` per call."""

    code = "ups"
    name = "UPS"
    confidence = "high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = UpsSettings
    statuses = STATUSES
    number_forms = NUMBERS
    subscription_life = 14 * 86400.0

    @classmethod
    def able(cls, settings: UpsSettings) -> Can:
        """Booking is charged to a shipper's account."""
        return cls.can if settings.shipper_number else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every activity of each leg; TW0001 and 404 are "not found (yet)"."""
        return [scan for leg in legs for scan in await self._history(leg.tracking_number)]

    def verify(self, request: Push) -> None:
        """v1: our own secret in `credential`. v2: a bearer of ours that has not expired, and our client id."""
        ours, headers = self.settings, request.headers
        agreed = ours.credential and same(headers.get("credential", ""), ours.credential.get_secret_value())
        key = headers.get("x-api-key", "")
        known = same(key, ours.push_client_id) or same(key, ours.client_id)
        if not agreed and not (known and self._bearers.accepts(headers.get("authorization", ""))):
            raise BadSignature("neither our credential nor a bearer of ours with our client id")

    def token(self, request: Push) -> Reply:
        """The token endpoint of v2, for `push_client_id` and `push_client_secret`."""
        return self._bearers.issue(request)

    def receive(self, request: Push) -> list[Scan]:
        """One event of Track Alert."""
        event = load_object(request.body)
        arrived = bool(text(event, "actualDeliveryDate"))
        activity = from_alert(event)
        return [scan(activity, self.meaning, required(event, "trackingNumber"), when(activity), arrived=arrived)]

    async def subscribe(self, leg: LegRef) -> None:
        """For 14 days, without history: poll once afterwards. A partial success is a 200, so both lists are read."""
        ours, number = self.settings, leg.tracking_number
        body = {"locale": ours.locale, "countryCode": ours.country_code, "trackingNumberList": [number]}
        if ours.subscription_type == "enhanced":
            body["eventPreferences"] = list(ours.event_preferences)
        if ours.push_version == "v1":
            secret = ours.credential.get_secret_value()
            body["destination"] = {"url": ours.webhook_url, "credentialType": "Bearer", "credential": secret}
        path = f"/api/track/{ours.push_version}/subscription/{ours.subscription_type}/package"
        answer = await self._call("POST", path, json=body)
        valid, invalid = (answer.get(f"{which}TrackingNumbers") or [] for which in ("valid", "invalid"))
        if not isinstance(valid, list) or not isinstance(invalid, list):
            raise BadPayload("validTrackingNumbers, invalidTrackingNumbers: lists were expected")
        if number in invalid or number not in valid:
            raise Refused(f"{number} was not subscribed", status=200)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` travels as CustomerContext and as a reference number, by which a lost answer is found again."""
        body = orders.shipment(self.settings, parcel, key)
        return orders.shipped(await self._call("POST", "/api/shipments/v2409/ship", deed=True, json=body))

    async def find_booking(self, key: str) -> Booking | None:
        """By the reference number given at booking: its label, which is there at once, else its tracking (14 days)."""
        try:
            body = orders.recovery(self.settings, key)
            return orders.recovered(await self._call("POST", "/api/labels/v1/recovery", json=body))
        except Refused as no:
            if no.code == wire.VOIDED:
                return None
            if no.status != 404 and no.code != wire.NO_LABEL:
                raise
        params = {"refNumType": "SmallPackage", "shipperNum": self.settings.shipper_number}
        found = await self._packages(f"/api/track/v1/reference/details/{orders.reference(key)}", params)
        numbers = sorted(required(package, "trackingNumber") for package in found)
        return orders.booking(numbers[0], numbers[0]) if numbers else None

    async def cancel(self, leg: LegRef) -> None:
        """Void the shipment: the one we booked, else the reference if it is a UPS number, else the tracking number."""
        known = leg.reference if re.fullmatch("1Z[0-9A-Z]{16}", leg.reference) else leg.tracking_number
        number = _quoted(leg.extra.get("ShipmentIdentificationNumber", known))
        with Forgiven(wire.is_voided):
            wire.voided(await self._call("DELETE", f"/api/shipments/v2409/void/cancel/{number}", deed=True))

    async def intercept(self, leg: LegRef) -> str:
        """Return to sender, for a fee. The reference is UPS's transaction id."""
        if "requesterContactInfo" not in self.settings.intercept:
            raise Refused("intercepts need requesterContactInfo in the setting intercept", config=True)
        body = {"source": "72", "reasonForReturn": "KV", **self.settings.intercept}
        body |= {"transactionId": self.nonce()[:14], "trackingNumber": leg.tracking_number}
        path = f"/api/deliveryintercept/v2/return/{_quoted(leg.tracking_number)}"
        answer = await self._call("POST", path, deed=True, json=body)
        if required(answer, "success") != "true":
            raise Refused(text(answer, "statusMsg"), code=text(answer, "statusCode"), status=200)
        return required(answer, "transactionId")

    async def _history(self, number: str) -> list[Scan]:
        locale = {"locale": self.settings.locale}
        found = await self._packages(f"/api/track/v1/details/{_quoted(number)}", locale)
        return self.told(found, number)

    def told(self, found: Sequence[Fields], number: str) -> list[Scan]:
        """What the packages of an answer about `number` say."""
        return [one for package in found for one in self._scans(package, number)]

    async def _packages(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        with Forgiven(lambda no: no.status == 404):
            return packages(await self._call("GET", path, params=params))
        return []

    def _scans(self, package: Fields, number: str) -> list[Scan]:
        activities, number = objects(package.get("activity"), "activity"), text(package, "trackingNumber") or number
        times = [when(activity) for activity in activities]
        newest = max((at for at, _ in times), default=None)
        dated = any(text(day, "type") == "DEL" for day in objects(package.get("deliveryDate"), "deliveryDate"))
        return [  # newest first, says the sheet: the place from the end is the carrier's own sequence
            scan(activity, self.meaning, number, time, arrived=dated and time[0] == newest, order=order)
            for order, (activity, time) in enumerate(zip(reversed(activities), reversed(times), strict=True))
        ]

    async def _call(self, method: str, path: str, *, deed: bool = False, **request: Any) -> dict[str, Any]:
        """The answer to one call with a bearer; a bearer that is refused is replaced once."""

        async def send(token: str) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {token}", "transId": self.nonce()[:32]}
            headers |= {"transactionSrc": self.settings.transaction_src}
            with explained(wire.error, wire.CONFIG):
                return wire.agreed(await ask(self.http, method, path, deed=deed, headers=headers, **request))

        return await self._tokens.use(send)

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch_token, self.clock, shared=self.shared_tokens)

    async def _fetch_token(self) -> Token:
        ours = self.settings
        client = (ours.client_id, ours.client_secret.get_secret_value())
        merchant = {"x-merchant-id": ours.merchant_id} if ours.merchant_id else {}
        with explained(wire.error, wire.CONFIG):
            return await client_credentials(
                self.http, "/security/v1/oauth/token", client, self.clock(), headers=merchant
            )

    @cached_property
    def _bearers(self) -> Bearers:
        secret = self.settings.push_client_secret
        return Bearers(self.settings.push_client_id, secret.get_secret_value() if secret else "", self.clock)
