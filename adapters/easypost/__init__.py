"""EasyPost, API v2 (docs.easypost.com). Source: the fact sheet carriers/easypost.md.

An aggregator. Only numbers with a tracker can be read, so `subscribe` comes first; doing it twice is harmless. Batches
of 100 (no published cap; its lists end there), about 5 calls a second (unverified).

Known limits. Booking has no idempotency key. Ours is the shipment's `reference`, which may stand in the place of an id
(vendor docs, "Shipment object"; easypost-python pull request 31): `book` looks first, goes on with what was created and
not bought, and reads the shipment when the answer to a buy is lost; a second buy of one shipment is refused. What
remains: when the answer to *create* is lost and its reference cannot be read yet, another is created; the first stays
unbought and free. Parcels across a border need customs data we do not have; the vendor says so. A `submitted` refund
may be rejected.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.easypost.orders import booking, cheapest, shipment
from adapters.easypost.settings import EasyPostSettings
from adapters.easypost.statuses import STATUSES, when, word
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import Forgiven, ask, explained
from gateway.contract.errors import BadPayload, BadSignature, OutcomeUnknown, Refused, TryAgain
from gateway.contract.meanings import handed_back
from gateway.contract.reading import Fields, inside, joined, listed, load_object, optional, required, text
from gateway.contract.signing import accepted, basic, hmac_sha256, same
from gateway.domain import Booking, LegRef, Parcel, Reason, Scan, Status

_PAGES = 20  # of 100; some codes have several trackers
_VOIDED = frozenset({"submitted", "refunded"})
_ALREADY_BOUGHT = "SHIPMENT.POSTAGE.EXISTS"


class EasyPostAdapter(CarrierAdapter):
    """Trackers by batch and by signed events; labels by create, buy and refund."""

    code = "easypost"
    name = "EasyPost"
    confidence = "high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = EasyPostSettings
    aggregator = True
    batch = 100
    rate = Rate(5, 1)
    statuses = STATUSES

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of the trackers with these numbers; a number without a tracker is absent."""
        numbers = list(dict.fromkeys(leg.tracking_number for leg in legs))
        answer = await self._call("POST", "/trackers/batch", json={"tracking_codes": numbers})
        trackers = listed(answer, "trackers")
        for _ in range(_PAGES):
            if text(answer, "has_more") != "true" or not trackers:
                return [scan for tracker in trackers for scan in self._scans(tracker)]
            page = {"tracking_codes[]": numbers, "before_id": required(trackers[-1], "id"), "page_size": 100}
            answer = await self._call("GET", "/trackers", params=page)
            trackers += listed(answer, "trackers")
        raise BadPayload(f"has_more: still true after {_PAGES} pages")

    def verify(self, request: Push) -> None:
        """`X-Hmac-Signature` over the raw body. It is sent only when the webhook was made with a secret."""
        given, ours = request.headers.get("x-hmac-signature", ""), self.settings
        secrets = accepted(ours.webhook_secret, ours.previous_webhook_secret)
        if not any(same(given, _signature(secret, request.body)) for secret in secrets):
            raise BadSignature("X-Hmac-Signature: does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The whole tracker of a tracker event; other events have nothing for us.

        A status without any detail has no time but that of the event, which tells of a change of this status.
        """
        event = load_object(request.body)
        result = inside(event, "result")
        if not required(event, "description").startswith("tracker.") or text(result, "object") != "Tracker":
            return []
        return self._scans(result, changed_at=text(event, "created_at"))

    async def subscribe(self, leg: LegRef) -> None:
        """Create a tracker; the vendor guesses the carrier when we name none."""
        named = {"carrier": leg.company} if leg.company else {}
        await self._call("POST", "/trackers", json={"tracker": {"tracking_code": leg.tracking_number, **named}})

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """The cheapest rate of `parcel.service` (of any service when it names none), under reference `key`."""
        created = await self._by_reference(key) or await self._create(parcel, key)
        if text(created, "tracking_code"):
            return booking(created)
        return await self._buy(required(created, "id"), cheapest(created, parcel.service, self.settings.company))

    async def find_booking(self, key: str) -> Booking | None:
        """A shipment that was created and not bought is no booking yet: `book` goes on with it."""
        created = await self._by_reference(key)
        return booking(created) if created and text(created, "tracking_code") else None

    async def cancel(self, leg: LegRef) -> None:
        """Ask for the refund of a label; `reference` is the shipment's id. Refused ones tell so in `refund_status`."""
        if not leg.reference:
            raise Refused("reference: the leg has none, and it is the shipment's id")
        path = f"/shipments/{quote(leg.reference, safe='')}"
        try:
            refund = await self._call("POST", f"{path}/refund", deed=True)
        except Refused as no:
            refund = await self._call("GET", path) if no.status == 422 else {}
            if text(refund, "refund_status") not in _VOIDED:
                raise
        state = required(refund, "refund_status")
        if state not in _VOIDED:
            raise Refused(f"refund {state}", code=state, status=200)

    def _scans(self, tracker: Fields, *, changed_at: str = "") -> list[Scan]:
        number, company = required(tracker, "tracking_code"), text(tracker, "carrier") or None
        details, bare = listed(tracker, "tracking_details"), False
        if not details and changed_at:
            details, bare = [{**tracker, "datetime": changed_at}], True
        found = [self._scan(number, company, detail, vendor_clock=bare) for detail in details]
        scans = [scan for scan in found if scan]
        if text(tracker, "is_return") != "true":
            return handed_back(scans)
        label = {Status.DELIVERED: Status.RETURNED}  # of a return: whoever signs is the sender
        return [replace(scan, status=label.get(scan.status, scan.status)) for scan in scans]

    def _scan(self, number: str, company: str | None, detail: Fields, *, vendor_clock: bool) -> Scan | None:
        """One detail, None for one that says nothing (yet)."""
        code = word(text(detail, "status"), text(detail, "status_detail"))
        if not code:
            return None
        (status, reason), said = self.meaning(code), text(detail, "message") or text(detail, "description")
        location = optional(detail, "tracking_location")
        placed = vendor_clock or bool(joined(location, "city", "state", "zip"))
        at, basis = when(detail, placed=placed)
        customs = code == "awaiting_information" and "customs" in said.casefold()
        return Scan(
            tracking_number=number,
            company=company,
            at=at,
            basis=basis,
            status=status,
            reason=Reason.CUSTOMS_HOLD if customs else reason,
            carrier_code=code,
            text=said,
            place=joined(location, "city", "state", "country"),
            inferred=customs,
        )

    async def _by_reference(self, key: str) -> dict[str, Any] | None:
        with Forgiven(lambda no: no.status == 404):
            found = await self._call("GET", f"/shipments/{quote(key, safe='')}")
            required(found, "id")
            return found if text(found, "reference") == key else None
        return None

    async def _create(self, parcel: Parcel, key: str) -> dict[str, Any]:
        return await self._call(
            "POST", "/shipments", json={"shipment": shipment(self.settings, parcel, key)}, deed=True
        )

    async def _buy(self, identity: str, rate: str) -> Booking:
        """Buy once; when the answer is lost, unreadable or "already bought", the shipment itself is asked."""
        path = f"/shipments/{identity}"
        try:
            return booking(await self._call("POST", f"{path}/buy", json={"rate": {"id": rate}}, deed=True))
        except (OutcomeUnknown, BadPayload, Refused) as lost:
            if isinstance(lost, Refused) and lost.code != _ALREADY_BOUGHT:
                raise
            problem = f"{identity} bought or not? {lost}"
        try:
            return booking(await self._call("GET", path))
        except (TryAgain, BadPayload) as unread:
            raise OutcomeUnknown(problem) from unread

    async def _call(self, method: str, path: str, *, deed: bool = False, **request: Any) -> dict[str, Any]:
        headers = {"authorization": basic(self.settings.api_key.get_secret_value(), "")}
        with explained(_error):
            return await ask(self.http, method, path, deed=deed, headers=headers, **request)


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """The vendor's code and message (a text or a list) of a refusal."""
    error = inside(answer, "error")
    return text(error, "code"), str(error.get("message"))


def _signature(secret: str, body: bytes) -> str:
    return "hmac-sha256-hex=" + hmac_sha256(unicodedata.normalize("NFKD", secret), body).hex()
