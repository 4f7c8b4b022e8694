"""AfterShip Tracking, date-versioned API (www.aftership.com/docs/tracking). Source: the sheet carriers/aftership.md.

An aggregator. Only numbers with a tracking can be read, so `subscribe` comes first; doing it twice is harmless (4003).
The list takes 50 numbers a call and 6 calls a second (rate limits of 2026). It shows trackings of 30 days unless asked
for more; all 120 days that they are kept are asked for.

Known limits. A number under another courier is another parcel: scans of a company that was not asked about are left
out. Pushes are signed without a time: no window for replays, repeats are told apart by `event_id` and `hash` (versions
from 2026-07). Expired is AfterShip's own clock, 30 days after the last checkpoint; without a checkpoint it has no time
and is no scan. Not used: retrack (revives once), the bearer that may be added to webhooks, AfterShip Shipping (labels).
Unverified, so settings: bodies after 2024-04 (`wrapped`), the field for a phone (`phone_field`). `Pending_002` (courier
account not connected) is a fault of configuration: it is logged. A renewal within the 120 days does not prolong them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from adapters.aftership.settings import AfterShipSettings
from adapters.aftership.signing import signed_headers
from adapters.aftership.statuses import STATUSES
from adapters.aftership.trackings import scans_of
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, explained
from gateway.contract.errors import BadPayload, BadSignature, refusal
from gateway.contract.meanings import asked
from gateway.contract.reading import Fields, inside, last_four, listed, load_object, optional, required, text
from gateway.contract.signing import accepted, compact, hmac_sha256, same
from gateway.contract.writing import filled
from gateway.domain import LegRef, Scan

_EVENTS = frozenset({"tracking_update", "edd_revise", "tracking_pending_time"})
_KEPT = timedelta(days=120)
_MOST, _PAGES = 200, 20  # trackings per page; pages
_EXISTS, _ABSENT, _UNRECOGNISED = "4003", "4004", "4012"
_AGAIN = {"429": 1.0, "500": None, "502": None, "503": None, "504": None}
_CONFIG = frozenset({"401", "403"})
#: What couriers ask for besides the number (4011), by AfterShip's names.
_COURIER_FIELDS = (
    "postal_code",
    "ship_date",
    "account_number",
    "key",
    "origin_country",
    "destination_country",
    "state",
)


class AfterShipAdapter(CarrierAdapter):
    """Trackings by list and by signed webhooks."""

    code = "aftership"
    name = "AfterShip"
    confidence = "high; medium for rate limits per endpoint"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    Settings = AfterShipSettings
    aggregator = True
    batch = 50
    rate = Rate(6, 1)
    subscription_life = _KEPT.total_seconds()
    statuses = STATUSES

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every checkpoint of the trackings with these numbers; a number without a tracking is absent."""
        numbers = ",".join(dict.fromkeys(leg.tracking_number for leg in legs))
        since = (self.clock() - _KEPT).isoformat(timespec="seconds")
        query = {"created_at_min": since, "limit": str(_MOST), "tracking_numbers": numbers}
        found: list[dict[str, Any]] = []
        with Forgiven(lambda no: no.code == _ABSENT):
            for _ in range(_PAGES):
                page = inside(await self._call("GET", f"/trackings?{_query(query)}"), "data")
                found += listed(page, "trackings")
                more = optional(page, "pagination")
                if text(more, "has_next_page") != "true":
                    break
                query["cursor"] = required(more, "next_cursor")
            else:
                raise BadPayload(f"has_next_page: still true after {_PAGES} pages")
        return asked(legs, [scan for tracking in found for scan in scans_of(tracking)])

    def verify(self, request: Push) -> None:
        """`aftership-hmac-sha256`: Base64 over the raw body."""
        given, ours = request.headers.get("aftership-hmac-sha256", ""), self.settings
        secrets = accepted(ours.webhook_secret, ours.previous_webhook_secret)
        if not any(same(given, _signature(secret, request.body)) for secret in secrets):
            raise BadSignature("aftership-hmac-sha256: does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The whole tracking, whichever of the documented events it is; other events have nothing for us."""
        event = load_object(request.body)
        return scans_of(inside(event, "msg")) if required(event, "event") in _EVENTS else []

    async def subscribe(self, leg: LegRef) -> None:
        """Create a tracking; AfterShip detects the courier when we name none. One that exists is a yes."""
        more = {name: leg.extra.get(name) for name in (f"tracking_{field}" for field in _COURIER_FIELDS)}
        if self.settings.phone_field:
            more[self.settings.phone_field] = last_four(leg.phone)
        body = filled({"tracking_number": leg.tracking_number, "slug": leg.company, **more})
        with Forgiven(lambda no: no.code == _EXISTS):
            await self._call("POST", "/trackings", {"tracking": body} if self.settings.wraps else body)

    async def detect(self, number: str) -> list[str]:
        """The couriers that may fit (three such calls a second); 4012 is "none"."""
        body = {"tracking_number": number}
        with Forgiven(lambda no: no.code == _UNRECOGNISED):
            answer = await self._call("POST", "/couriers/detect", {"tracking": body} if self.settings.wraps else body)
            return list(dict.fromkeys(required(one, "slug") for one in listed(inside(answer, "data"), "couriers")))
        return []

    async def _call(self, method: str, address: str, body: Fields | None = None) -> dict[str, Any]:
        """An answer that `meta.code` calls a yes. Signed, where the account signs, as it is sent."""
        content = compact(body).encode() if body is not None else b""
        request = self.http.build_request(method, address, content=content or None)
        resource = request.url.raw_path.decode("ascii")
        request.headers.update(signed_headers(self.settings, self.clock(), method, resource, content))
        with explained(_error, _CONFIG):
            answer = load_object((await self.http.send(request)).content)
        code, why = _error(answer)
        if not (code.isascii() and code.isdecimal() and 200 <= int(code) < 300):
            raise refusal(code, why, _AGAIN, _CONFIG)
        return answer


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """meta.code, and what is said about it; of 4011, the missing field is named in `errors`."""
    meta = inside(answer, "meta")
    return required(meta, "code"), f"{text(meta, 'message')} {meta.get('errors') or ''}".strip()


def _query(fields: dict[str, str]) -> str:
    """Its keys in order, as a signature wants them."""
    return urlencode(sorted(fields.items()))


def _signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac_sha256(secret, body)).decode()
