"""FedEx: Track API v1, Advanced Integrated Visibility (AIV) pushes, Ship API v1. Source: the sheet carriers/fedex.md.

Thirty numbers per call, one call a second: more for two minutes, and everything answers 403 for ten (published by
others, as are 1,400 calls per 10 s and 100,000 a day, both 429). FedEx reuses numbers: a leg we booked is asked for
with its ship date, one with `trackingNumberUniqueId` in its extra by that; else the parcel scanned last counts.

Known limits. AIV is set up in the portal, by account (nothing to subscribe) or by number: the address of its
subscription API is not in the sheet, so `subscribe` is not offered. Its payload has no published schema and is read as
a track result. Ship and cancel bodies are from memory; exception codes and HP, DO, TP, IN, RT from public lists. There
is no idempotency key: a booking is looked for by reference, which may lag behind (an unused label is not billed).
"Cancelled already" has no documented code and is known by its words. Customs data is not spoken.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from adapters.fedex import orders, wire
from adapters.fedex.numbers import NUMBERS
from adapters.fedex.results import scans_of
from adapters.fedex.settings import FedexSettings
from adapters.fedex.statuses import STATUSES
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, ask, unread
from gateway.contract.errors import BadSignature, ContractError, Refused
from gateway.contract.reading import Fields, inside, listed, load_object, required, text
from gateway.contract.signing import accepted, hmac_sha256, same
from gateway.contract.tokens import Token, TokenCache, client_credentials
from gateway.contract.writing import filled
from gateway.domain import Booking, LegRef, Parcel, Scan

log = logging.getLogger(__name__)


class FedexAdapter(CarrierAdapter):
    """Batches of numbers, signed pushes of the same shape, labels."""

    code = "fedex"
    name = "FedEx"
    confidence = "high, low for booking"
    can = Can.POLL | Can.WEBHOOK | Can.BOOK | Can.CANCEL
    Settings = FedexSettings
    statuses = STATUSES
    number_forms = NUMBERS
    batch = 30
    rate = Rate(1, 1)
    remembers_key = 30 * 86400.0  # the ship dates among which references are looked for

    @classmethod
    def able(cls, settings: FedexSettings) -> Can:
        """Pushes need the token they are signed with, orders an account."""
        lacking = Can.NOTHING if settings.security_token else Can.WEBHOOK
        return cls.can & ~lacking & ~(Can.NOTHING if settings.account_number else Can.BOOK | Can.CANCEL)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of the parcels; a number that FedEx does not find (yet) is absent.

        One refused number says nothing of the others: it is raised only when nobody else is asked about.
        """
        wanted = {leg.tracking_number: leg for leg in legs}
        body = {"includeDetailedScans": True, "trackingInfo": [_asked(leg) for leg in wanted.values()]}
        with Forgiven(wire.is_not_found):
            answer = await self._call("POST", "/track/v1/trackingnumbers", body)
            return self._read(answer, wanted)
        return []

    def _read(self, answer: Fields, wanted: dict[str, LegRef]) -> list[Scan]:
        entries = _entries(answer)
        noes = {number: no for number, _, no in entries if no is not None}
        for number, no in noes.items():
            log.warning("FedEx refuses %s: %s %s", number, no.code, no.detail)
            if noes.keys() >= {number for number, _, _ in entries}:
                raise no
        pins = {number: leg.extra.get("trackingNumberUniqueId", "") for number, leg in wanted.items()}
        return [scan for number, results, _ in entries for scan in scans_of(number, results, pins.get(number, ""))]

    def verify(self, request: Push) -> None:
        """`fdx-signature`: Base64 HMAC-SHA256 of the raw body (hex, says one line of the portal, and nobody else)."""
        given, ours = request.headers.get("fdx-signature", ""), self.settings
        tokens = accepted(ours.security_token, ours.previous_security_token)
        signatures = [hmac_sha256(token, request.body) for token in tokens]
        if not any(same(given, base64.b64encode(signature).decode()) for signature in signatures):
            raise BadSignature("fdx-signature: does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The results of one number or several; out of order, so the times of the scans count."""
        entries = _entries(load_object(request.body))
        return [scan for number, results, _ in entries for scan in scans_of(number, results)]

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """Under `key` as customer reference; what was booked under it before is the answer."""
        now = self.clock()
        body = orders.shipment(self.settings, parcel, key, now)
        known = await self.find_booking(key)
        if known is not None:
            return known
        answer = await self._call("POST", "/ship/v1/shipments", body, deed=True)
        with unread(deed=True):
            return orders.booked(answer, key, parcel, now)

    async def find_booking(self, key: str) -> Booking | None:
        """By customer reference among the account's shipments of the last 30 days, without the cancelled ones."""
        with Forgiven(wire.is_not_found):
            body = orders.search(self.settings, key, self.clock())
            answer = await self._call("POST", "/track/v1/referencenumbers", body)
            known = [result for _, results, _ in _entries(answer) for result in results if not orders.is_void(result)]
            bookings = (orders.found(result, key) for result in known)
            return min(bookings, key=lambda booking: booking.tracking_number, default=None)
        return None

    async def cancel(self, leg: LegRef) -> None:
        """Delete every package of the shipment, which is possible until it is tendered."""
        country = leg.extra.get("senderCountryCode") or leg.origin[:2]
        named = filled({"trackingNumber": leg.tracking_number, "senderCountryCode": country})
        body = {"accountNumber": orders.account(self.settings), "deletionControl": "DELETE_ALL_PACKAGES", **named}
        with Forgiven(lambda no: re.search("already.*(cancel|delet)", no.detail, re.IGNORECASE)):
            answer = await self._call("PUT", "/ship/v1/shipments/cancel", body, deed=True)
            with unread(deed=True):
                output = inside(answer, "output")
                cancelled = required(output, "cancelledShipment")
            if cancelled != "true":
                raise Refused(text(output, "message", "not cancelled"), status=200)

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch_token, self.clock, margin=300, shared=self.shared_tokens)

    async def _fetch_token(self) -> Token:
        """Id and secret go in the form; a reseller's customer adds its own."""
        ours, child = self.settings, {}
        if ours.child_secret is not None:
            child = {"grant_type": "csp_credentials", "child_key": ours.child_key}
            child["child_secret"] = ours.child_secret.get_secret_value()
        client = (ours.client_id, ours.client_secret.get_secret_value())
        with wire.classed():
            return await client_credentials(self.http, "/oauth/token", client, self.clock(), in_form=True, **child)

    async def _call(self, method: str, path: str, body: Fields, *, deed: bool = False) -> dict[str, Any]:
        """The answer of one call that holds no error."""

        async def call(token: str) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {token}", "X-locale": self.settings.locale}
            headers["x-customer-transaction-id"] = self.nonce()
            with wire.classed():
                return await ask(self.http, method, path, deed=deed, json=body, headers=headers)

        answer = await self._tokens.use(call)
        with unread(deed=deed):
            return wire.agreed(answer)


def _asked(leg: LegRef) -> dict[str, Any]:
    """One number, pinned as far as the leg tells: by FedEx's own id, or by the days around its ship date."""
    pin = {"trackingNumberUniqueId": leg.extra.get("trackingNumberUniqueId", "")}
    shipped = leg.extra.get("shipDatestamp")
    dates = orders.dates_around(shipped) if shipped else {}
    return {"trackingNumberInfo": filled({"trackingNumber": leg.tracking_number, **pin}), **dates}


def _entries(answer: Fields) -> list[tuple[str, list[dict[str, Any]], ContractError | None]]:
    """Number, results, and the no of a number that has no other result; "not found" is neither."""
    entries = []
    for entry in listed(inside(answer, "output"), "completeTrackResults"):
        number, results = required(entry, "trackingNumber"), listed(entry, "trackResults")
        told = [(result, wire.no_of(result)) for result in results]
        sound = [result for result, no in told if no is None]
        noes = [no for _, no in told if no is not None and not wire.is_not_found(no)]
        entries.append((number, sound, None if sound or not noes else noes[0]))
    return entries
