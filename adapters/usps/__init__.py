"""USPS: Tracking 3.0 and 3.2, Subscriptions-Tracking 3, Labels 3 (developers.usps.com). Source: carriers/usps.md.

35 numbers per call with v3.2 (`tracking_version` v3r2), one with v3.0; an app is approved for one of them. 60 calls an
hour is the quota that was reported (unverified), so it is the pace. `eventTimestamp` is local time of a place with a
`Z` that is not true: its offset is unknown unless the answer has the GMT fields of v3.2 (names unverified).

Known limits. Labels within the United States only. Label fields are from public clients. The purchase is not
idempotent: its key is a handle, by which the label is found again (`label-reprint`; proven in production by a public
client, polybag: 160412 unknown key, 160979 cancelled). USPS keeps keys for seven days and reprints a label three times.
A subscription by MID is made once by hand; its pushes are taken alike. Retries of pushes are not published.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from adapters.usps import orders, wire
from adapters.usps.details import scans_of
from adapters.usps.numbers import NUMBERS
from adapters.usps.settings import UspsSettings
from adapters.usps.statuses import STATUSES
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, ask, explained, unread
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.reading import Fields, load_object, required, text
from gateway.contract.signing import accepted, hmac_sha256, same, unsigned
from gateway.contract.tokens import Token, TokenCache, token_in
from gateway.domain import Booking, LegRef, Parcel, Scan

log = logging.getLogger(__name__)
_PAYMENT_LIFE = timedelta(hours=8)
_UNKNOWN_KEY, _CANCELLED_LABEL, _CANCELLED_BEFORE = "160412", "160979", "160186"
_LABELS = "application/vnd.usps.labels+json"  # else the answer is multipart


class UspsAdapter(CarrierAdapter):
    """Tracking details by batch and by signed pushes; labels paid by account."""

    code = "usps"
    name = "USPS"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = UspsSettings
    statuses = STATUSES
    number_forms = NUMBERS
    batch = 35
    rate = Rate(60, 3600)
    subscription_life = 30 * 86400.0  # without traffic; asking again is harmless
    remembers_key = 7 * 86400.0

    def __init__(self, settings: UspsSettings, http: httpx.AsyncClient, **given: Any) -> None:
        super().__init__(settings, http, **given)
        if settings.tracking_version == "v3":
            self.batch = 1  # type: ignore[misc]  # of this account: v3.0 reads one number at a time

    @classmethod
    def able(cls, settings: UspsSettings) -> Can:
        """Pushes need the secret they are signed with, subscriptions an address as well, labels a payment account."""
        paid = settings.crid and settings.mid and settings.account_number
        lacking = Can.NOTHING if settings.secret else Can.WEBHOOK | Can.SUBSCRIBE
        lacking |= Can.NOTHING if settings.listener_url else Can.SUBSCRIBE
        return cls.can & ~lacking & ~(Can.NOTHING if paid else Can.BOOK | Can.CANCEL)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of the numbers; one without status yet is absent.

        One refused number of a batch says nothing of the others: it is raised only when all of them are.
        """
        numbers = list(dict.fromkeys(leg.tracking_number for leg in legs))
        if self.settings.tracking_version == "v3":
            return [scan for number in numbers for scan in await self._one(number)]
        with Forgiven(lambda no: len(numbers) == 1 and wire.is_not_found(no)):
            return _read(await self._many(numbers))
        return []

    async def _one(self, number: str) -> list[Scan]:
        with Forgiven(wire.is_not_found):
            path = f"/tracking/v3/tracking/{quote(number, safe='')}"
            response = await self._call("GET", path, params={"expand": "DETAIL"})
            return _read([load_object(response.content)])
        return []

    async def _many(self, numbers: Sequence[str]) -> list[dict[str, Any]]:
        asked = [{"trackingNumber": number} for number in numbers]
        return wire.items((await self._call("POST", "/tracking/v3r2/tracking", json=asked)).content)

    def verify(self, request: Push) -> None:
        """`X-HMAC`: Base64 HMAC-SHA256 of the texts of `timestamp` and `payload`, as they are after one decoding."""
        with unsigned():
            envelope = load_object(request.body)
        signed, given = (envelope.get("timestamp"), envelope.get("payload")), request.headers.get("x-hmac", "")
        secrets = accepted(self.settings.secret, self.settings.previous_secret)
        if not all(isinstance(part, str) for part in signed):
            raise BadSignature("timestamp, payload: texts were expected")
        said = "".join(map(str, signed)).encode("utf-8", "surrogatepass")
        ours = [base64.b64encode(hmac_sha256(secret, said)).decode() for secret in secrets]
        if not any(same(given, signature) for signature in ours):
            raise BadSignature("X-HMAC: does not fit timestamp and payload")

    def receive(self, request: Push) -> list[Scan]:
        """The payload is JSON inside JSON; one without events is dated by the envelope."""
        envelope = load_object(request.body)
        return scans_of(load_object(required(envelope, "payload")), required(envelope, "timestamp"))

    async def subscribe(self, leg: LegRef) -> None:
        """Every update of one number; doing it twice is one subscription."""
        ours, wanted = self.settings, {"trackingNumber": leg.tracking_number, "trackingEventTypes": ["ALL_UPDATES"]}
        if ours.secret is None or not ours.listener_url:
            raise Refused("subscriptions need the settings secret and listener_url", config=True)
        body: dict[str, Any] = {"listenerURL": ours.listener_url, "secret": ours.secret.get_secret_value()}
        body |= {"adminNotification": [{"email": ours.admin_email}]} if ours.admin_email else {}
        path = f"/subscriptions-tracking/{ours.subscriptions_version}/subscriptions"
        answer = load_object((await self._call("POST", path, json={**body, "filterProperties": wanted})).content)
        if (state := text(answer, "status", "ENABLED")) != "ENABLED":
            raise Refused(f"the subscription is {state}", code=state, status=200)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """Buy a label, unless one was bought under `key` before."""
        body = orders.label(self.settings, parcel, self.clock())
        return await self.find_booking(key) or await self._label("/labels/v3/label", body, key)

    async def find_booking(self, key: str) -> Booking | None:
        """Reprint by key; a cancelled label is no booking. Never repeated by the client: there are three reprints."""
        with Forgiven(lambda no: no.code in {_UNKNOWN_KEY, _CANCELLED_LABEL}):
            return await self._label("/labels/v3/label-reprint", {"imageInfo": orders.IMAGE}, key)
        return None

    async def _label(self, path: str, body: Fields, key: str) -> Booking:
        headers = {"X-Idempotency-Key": orders.idempotency_key(key), "Accept": _LABELS}
        response = await self._paid("POST", path, headers, json=body)
        with unread(deed=True):
            return orders.booking(load_object(response.content), key)

    async def cancel(self, leg: LegRef) -> None:
        """Cancel an unused label or ask for its refund."""
        with Forgiven(lambda no: no.code == _CANCELLED_BEFORE):
            response = await self._paid("DELETE", f"/labels/v3/label/{quote(leg.tracking_number, safe='')}", {})
            with unread(deed=True):
                state = text(load_object(response.content), "status", "CANCELED")
            if not re.match("cancel|refund", state, re.IGNORECASE):
                raise Refused(f"the label is {state}", code=state, status=200)

    async def _paid(self, method: str, path: str, headers: dict[str, str], **request: Any) -> httpx.Response:
        """A deed that is charged to the payment account."""
        headers = {**headers, "X-Payment-Authorization-Token": await self._payments.get()}
        return await self._call(method, path, headers=headers, extensions=DEED, **request)

    @cached_property
    def _payments(self) -> TokenCache:
        return TokenCache(self._fetch_payment, self.clock, margin=600, shared=self.shared_tokens, name="payment")

    async def _fetch_payment(self) -> Token:
        body = orders.roles(self.settings)
        answer = load_object((await self._call("POST", "/payments/v3/payment-authorization", json=body)).content)
        return Token(value=required(answer, "paymentAuthorizationToken"), expires_at=self.clock() + _PAYMENT_LIFE)

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch_token, self.clock, shared=self.shared_tokens)

    async def _fetch_token(self) -> Token:
        """Raise Refused for a token of an app that is not approved: it opens nothing."""
        client = {"client_id": self.settings.client_id, "client_secret": self.settings.client_secret.get_secret_value()}
        body = {**client, "grant_type": "client_credentials"}
        with explained(wire.error):
            answer = await ask(self.http, "POST", "/oauth2/v3/token", json=body)
        state, scope = text(answer, "status", "approved"), text(answer, "scope", "unknown")
        if state != "approved" or not scope:
            raise Refused(f"the app's token is {state}, its scope {scope!r}", code=state, status=200, config=True)
        return token_in(answer, self.clock())

    async def _call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        async def call(token: str) -> httpx.Response:
            with explained(wire.error):
                named = {"Authorization": f"Bearer {token}", **(headers or {})}
                return await self.http.request(method, path, headers=named, **request)

        return await self._tokens.use(call)


def _read(answered: Sequence[dict[str, Any]]) -> list[Scan]:
    """The scans of the items that are no error. Raise the no when every one of them is refused."""
    noes = [no for item in answered if (no := wire.no_of(item)) is not None and not wire.is_not_found(no)]
    for no in noes:
        log.warning("USPS refuses one of %d numbers: %s %s", len(answered), no.code, no.detail)
        if len(noes) == len(answered):
            raise no
    return [scan for item in answered if wire.no_of(item) is None for scan in scans_of(item)]
