"""TrackingMore, API v4 (www.trackingmore.com/docs). Source: the fact sheet carriers/trackingmore.md.

An aggregator. Only numbers with a tracking can be read, so `subscribe` comes first; doing it twice is harmless (4016,
4101). 40 numbers a call is what is published for creating; about 10 calls a second (unverified). After a 429 it wants
up to two minutes. A number whose courier cannot be told from several is refused: its carrier needs an alias.

Pushes. The signature covers the time stamp alone, not the body (the vendor's worked example, against its own text):
whoever has seen one push can put any body under its time stamp. So a push needs the secret path of the row, a fresh
time stamp and its signature, and even then it proves only that TrackingMore has news. `receive` looks at its shape and
returns no scans; what happened is read again by poll, and only that is acted upon. `hints` names
the number, which is asked about at once.

Known limits. v2 and v3 pushes are signed with an e-mail address, which is no secret: refused. Expired is the vendor's
own clock, dated when it is told us. Unverified, so settings: header names of a push, how old its time stamp may be
(repeats of a push that we could not keep may carry the old one; the poll knows), most codes of v4 (`exists_codes` and
others), the field for a phone. Unverified: the layout of what create and detect answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.trackingmore.settings import TrackingMoreSettings
from adapters.trackingmore.statuses import STATUSES
from adapters.trackingmore.trackings import scans_of
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, ask, explained
from gateway.contract.errors import BadPayload, BadSignature, Refused, Unavailable, refusal
from gateway.contract.meanings import asked
from gateway.contract.reading import Fields, inside, last_four, listed, load_object, objects, required, text
from gateway.contract.signing import accepted, hmac_sha256, only_by_path, same
from gateway.contract.writing import filled
from gateway.domain import LegRef, Scan

_YES = frozenset({"200", "201"})
_BUSY_FOR = 120.0
_AGAIN = {"429": _BUSY_FOR, "500": None, "503": None}
_MOST, _PAGES = 100, 20  # trackings per page; pages: some numbers have several trackings


class TrackingMoreAdapter(CarrierAdapter):
    """Trackings by list; pushes only say that there is news."""

    code = "trackingmore"
    name = "TrackingMore"
    confidence = "medium: codes of v4 and sub-statuses are incomplete; high for signatures of pushes"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    Settings = TrackingMoreSettings
    aggregator = True
    batch = 40
    rate = Rate(10, 1)
    trusted_path = True
    statuses = STATUSES

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of the trackings with these numbers; a number without a tracking is absent."""
        numbers, found = ",".join(dict.fromkeys(leg.tracking_number for leg in legs)), list[dict[str, Any]]()
        with Forgiven(lambda no: no.code in self.settings.absent_codes):
            for page in range(1, _PAGES + 1):
                query = {"tracking_numbers": numbers, "items_amount": _MOST, "page_number": page}
                more = _trackings(await self._call("GET", "/trackings/get", params=query))
                found += more
                if len(more) < _MOST:
                    break
            else:
                raise BadPayload(f"data: still full after {_PAGES} pages")
        told_at = self.clock()
        return asked(legs, [scan for tracking in found for scan in scans_of(tracking, told_at)])

    def verify(self, request: Push) -> None:
        """The secret path, a time stamp of now, and its signature: the body is bound by none of them."""
        only_by_path(request)
        ours, stamp = self.settings, request.headers.get(self.settings.timestamp_header, "")
        given = request.headers.get(ours.signature_header, "")
        secrets = accepted(ours.webhook_secret, ours.previous_webhook_secret)
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
            raise BadSignature(f"{ours.timestamp_header}: seconds since 1970 were expected")
        if not any(same(given, hmac_sha256(secret, stamp).hex()) for secret in secrets):
            raise BadSignature(f"{ours.signature_header}: does not fit the time stamp")
        if abs((request.received_at or self.clock()).timestamp() - int(stamp)) > ours.window:
            raise BadSignature(f"{ours.timestamp_header}: is more than {ours.window:g} s from now")

    def receive(self, request: Push) -> list[Scan]:
        """No scans, whatever it says: see the module. Raise BadPayload for what is no push of TrackingMore."""
        self.hints(request)
        return []

    def hints(self, request: Push) -> list[tuple[str | None, str]]:
        """(company, number) of what a verified push makes worth asking about. Raise BadPayload."""
        tracking = inside(load_object(request.body), "data")
        return [(required(tracking, "courier_code"), required(tracking, "tracking_number"))]

    async def subscribe(self, leg: LegRef) -> None:
        """Create a tracking; its courier is detected when we name none. One that exists is a yes."""
        company = leg.company or await self._detected(leg.tracking_number)
        body = {"tracking_number": leg.tracking_number, "courier_code": company}
        body |= filled({self.settings.phone_field: last_four(leg.phone)}) if self.settings.phone_field else {}
        with Forgiven(lambda no: no.code in self.settings.exists_codes):
            for code, why in _refusals(await self._call("POST", "/trackings/create", json=body)):
                raise refusal(code, why, _AGAIN, self.settings.config_codes)

    async def detect(self, number: str) -> list[str]:
        """The couriers that may fit; 4032 is "none"."""
        with Forgiven(lambda no: no.code in self.settings.undetected_codes):
            answer = await self._call("POST", "/couriers/detect", json={"tracking_number": number})
            return list(dict.fromkeys(required(courier, "courier_code") for courier in listed(answer, "data")))
        return []

    async def _detected(self, number: str) -> str:
        """The courier of a number. Raise Refused when none or several fit: nothing is guessed."""
        codes = await self.detect(number)
        if len(codes) != 1:
            raise Refused(f"courier_code: {', '.join(codes) or 'none'} may fit {number}; name the company")
        return codes[0]

    async def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """An answer that `meta.code` calls a yes."""
        headers = {"Tracking-Api-Key": self.settings.api_key.get_secret_value()}
        try:
            with explained(_error, self.settings.config_codes):
                answer = await ask(self.http, method, path, headers=headers, **request)
        except Unavailable as busy:
            if busy.code != "429" or busy.retry_after is not None:
                raise
            raise Unavailable(busy.detail, code=busy.code, retry_after=_BUSY_FOR, body=busy.body) from busy
        code, why = _error(answer)
        if code not in _YES:
            raise refusal(code, why, _AGAIN, self.settings.config_codes)
        return answer


def _error(answer: Fields) -> tuple[str, str]:
    meta = inside(answer, "meta")
    return required(meta, "code"), text(meta, "message")


def _refusals(answer: Fields) -> list[tuple[str, str]]:
    """What was refused by number, in the form {"success": [...], "error": [...]}."""
    data = answer.get("data")
    errors = objects(data.get("error"), "error") if isinstance(data, dict) else []
    return [
        (text(no, "code") or text(no, "errorCode"), text(no, "message") or text(no, "errorMessage")) for no in errors
    ]


def _trackings(answer: Fields) -> list[dict[str, Any]]:
    """`data` is a list, one tracking, or {"success": [...], "error": [...]}. Raise BadPayload."""
    data = answer.get("data")
    if not isinstance(data, dict):
        return listed(answer, "data")
    return listed(data, "success") if "success" in data else [data]
