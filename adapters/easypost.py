"""EasyPost, API v2 (docs.easypost.com). Source: the fact sheet carriers/easypost.md.

An aggregator. Only numbers with a tracker can be read, so `subscribe` comes first; doing it twice is harmless. Batches
of 100 (no published cap; its lists end there), about 5 calls a second (unverified).

Booking has no idempotency key. Ours is the shipment's `reference`, which may stand in the place of an id (vendor docs,
"Shipment object"; easypost-python pull request 31): `book` looks first, goes on with what was created and not bought,
and reads the shipment when the answer to a buy is lost; a second buy of one shipment is refused. What remains: when the
answer to *create* is lost and its reference cannot be read yet, another is created; the first stays unbought and free.
Parcels across a border need customs data we do not have; the vendor says so. A `submitted` refund may be rejected .
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from gateway.contract import BadPayload, BadSignature, OutcomeUnknown, Rate, Refused, Reply, Secret, TryAgain, Verdict
from gateway.contract.carrier import DEED, Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push
from gateway.contract.reading import as_object, iso_time, load_object, objects, required, text, unreadable
from gateway.contract.signing import basic, hmac_sha256, same
from gateway.domain import Basis, Booking, LegRef, Parcel, Party, Reason, Scan, Status

_ANSWERS = {Verdict.ACCEPTED: 200, Verdict.FORGED: 401, Verdict.BUSY: 503}  # any 2xx is a yes, the body is ignored

#: Both vocabularies of sheet (e), `status` and `status_detail`; a word that is in both means the same. `unknown` and
#: `status_update` are in neither: they tell nothing ("no scan", "no refinement").
_ROWS = (
    (Meaning(Status.PRE_TRANSIT), "pre_transit label_created"),
    (Meaning(Status.PICKED_UP), "received_at_origin_facility"),
    (Meaning(Status.IN_TRANSIT), "in_transit departed_origin_facility departed_facility arrived_at_facility"),
    (Meaning(Status.IN_TRANSIT), "received_at_destination_facility transferred_to_destination_carrier"),
    (Meaning(Status.IN_TRANSIT), "arrived_at_destination"),  # delivered when `status` says so, which wins
    (Meaning(Status.OUT_FOR_DELIVERY), "out_for_delivery"),
    (Meaning(Status.AVAILABLE_FOR_PICKUP), "available_for_pickup arrived_at_pickup_location"),
    (Meaning(Status.DELIVERED), "delivered"),
    (Meaning(Status.RETURNING), "return_to_sender return"),
    (Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM), "address_correction"),
    (Meaning(Status.EXCEPTION, Reason.DAMAGED), "damaged"),
    (Meaning(Status.EXCEPTION, Reason.LOST), "lost"),
    (Meaning(Status.EXCEPTION, Reason.REFUSED), "refused"),
    (Meaning(Status.EXCEPTION, Reason.CARRIER_DELAY), "delayed missorted"),
    (Meaning(Status.EXCEPTION, Reason.WEATHER), "weather_delay"),
    # awaiting_information: customs_hold when the text names customs. held: available_for_pickup when `status` says so.
    (Meaning(Status.EXCEPTION, Reason.OTHER), "delivery_exception transit_exception failure awaiting_information held"),
    (Meaning(Status.CANCELLED), "cancelled"),
    (Meaning(Status.EXPIRED), "expired"),
    (Meaning(Status.UNKNOWN), "error"),
)
#: `status` before `status_detail` for these (sheet e); the detail wins over all others.
_WINS = frozenset({"delivered", "return_to_sender", "cancelled"})
_NO_REFINEMENT = frozenset({"", "status_update", "unknown"})

_PAGES = 20  # of 100; some codes have several trackers
_VOIDED = frozenset({"submitted", "refunded"})
_ALREADY_BOUGHT = "SHIPMENT.POSTAGE.EXISTS"
_OUNCE_G, _INCH_MM = Decimal("28.349523125"), Decimal("25.4")


class EasyPostSettings(CarrierSettings):
    """base_url: https://api.easypost.com/v2. Only rates of `company` and of `carrier_accounts` ("ca_..") are bought."""

    api_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None  #: still accepted, while the secret is changed
    company: str = ""
    carrier_accounts: tuple[str, ...] = ()
    label_format: str = "PDF"


class EasyPostAdapter(CarrierAdapter):
    """Trackers by batch and by signed events; labels by create, buy and refund."""

    code = "easypost"
    name = "EasyPost"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = EasyPostSettings
    aggregator = True
    batch = 100
    rate = Rate(5, 1)
    statuses = {word: meaning for meaning, words in _ROWS for word in words.split()}

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of the trackers with these numbers; a number without a tracker is absent."""
        numbers = list(dict.fromkeys(leg.tracking_number for leg in legs))
        answer = await self._call("POST", "/trackers/batch", {"tracking_codes": numbers})
        trackers = _rows(answer, "trackers")
        for _ in range(_PAGES):
            if text(answer, "has_more") != "true" or not trackers:
                return [scan for tracker in trackers for scan in self._scans(tracker)]
            page = {"tracking_codes[]": numbers, "before_id": required(trackers[-1], "id"), "page_size": 100}
            answer = await self._call("GET", "/trackers", page)
            trackers += _rows(answer, "trackers")
        raise BadPayload(f"has_more: still true after {_PAGES} pages")

    def verify(self, request: Push) -> None:
        """`X-Hmac-Signature` over the raw body. It is sent only when the webhook was made with a secret."""
        given, ours = request.headers.get("x-hmac-signature", ""), self.settings
        secrets = [secret for secret in (ours.webhook_secret, ours.previous_webhook_secret) if secret is not None]
        if not any(same(given, _signature(secret.get_secret_value(), request.body)) for secret in secrets):
            raise BadSignature("easypost: X-Hmac-Signature does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The whole tracker of a tracker event; other events have nothing for us.

        A status without any detail has no time but that of the event, which tells of a change of this status.
        """
        event = load_object(request.body)
        result = as_object(event.get("result"), "result")
        if not required(event, "description").startswith("tracker.") or text(result, "object") != "Tracker":
            return []
        return self._scans(result, changed_at=text(event, "created_at"))

    def _scans(self, tracker: Mapping[str, Any], *, changed_at: str = "") -> list[Scan]:
        number, company = required(tracker, "tracking_code"), text(tracker, "carrier") or None
        details, bare = _rows(tracker, "tracking_details"), False
        if not details and changed_at:
            details, bare = [{**tracker, "datetime": changed_at}], True
        found = (self._scan(number, company, detail, vendor_clock=bare) for detail in details)
        return _with_returns([scan for scan in found if scan], is_return=text(tracker, "is_return") == "true")

    def _scan(self, number: str, company: str | None, detail: Mapping[str, Any], *, vendor_clock: bool) -> Scan | None:
        """One detail, None for one that says nothing (yet)."""
        code = _word(text(detail, "status"), text(detail, "status_detail"))
        if not code:
            return None
        (status, reason), said = self.meaning(code), text(detail, "message") or text(detail, "description")
        location = as_object(detail.get("tracking_location") or {}, "tracking_location")
        place = ", ".join(filter(None, (text(location, name) for name in ("city", "state", "country"))))
        placed = vendor_clock or any(text(location, name) for name in ("city", "state", "zip"))
        at, basis = _when(required(detail, "datetime"), placed=placed)
        scan = Scan(tracking_number=number, company=company, at=at, basis=basis, status=status, carrier_code=code)
        if code == "awaiting_information" and "customs" in said.casefold():
            return replace(scan, reason=Reason.CUSTOMS_HOLD, text=said, place=place, inferred=True)
        return replace(scan, reason=reason, text=said, place=place)

    def acknowledge(self, outcome: Outcome) -> Reply:
        return Reply(status=_ANSWERS[outcome.verdict])

    async def subscribe(self, leg: LegRef) -> None:
        """Create a tracker; the vendor guesses the carrier when we name none."""
        named = {"carrier": leg.company} if leg.company else {}
        await self._call("POST", "/trackers", {"tracker": {"tracking_code": leg.tracking_number, **named}})

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """The cheapest rate of `parcel.service` (of any service when it names none), under reference `key`."""
        shipment = await self._by_reference(key) or await self._create(parcel, key)
        if text(shipment, "tracking_code"):
            return _booking(shipment)
        rate = _cheapest(shipment, parcel.service, self.settings.company)
        return await self._buy(required(shipment, "id"), required(rate, "id"))

    async def find_booking(self, key: str) -> Booking | None:
        """A shipment that was created and not bought is no booking yet: `book` goes on with it."""
        shipment = await self._by_reference(key)
        return _booking(shipment) if shipment and text(shipment, "tracking_code") else None

    async def cancel(self, leg: LegRef) -> None:
        """Ask for the refund of a label; `reference` is the shipment's id. Refused ones tell so in `refund_status`."""
        if not leg.reference:
            raise Refused("easypost: the leg has no reference, which is the shipment's id")
        path = f"/shipments/{quote(leg.reference, safe='')}"
        try:
            shipment = await self._call("POST", f"{path}/refund", deed=True)
        except Refused as no:
            shipment = await self._call("GET", path) if no.status == 422 else {}
            if text(shipment, "refund_status") not in _VOIDED:
                raise
        state = required(shipment, "refund_status")
        if state not in _VOIDED:
            raise Refused(f"easypost: refund {state}", code=state, status=200)

    async def _by_reference(self, key: str) -> dict[str, Any] | None:
        try:
            shipment = await self._call("GET", f"/shipments/{quote(key, safe='')}")
        except Refused as no:
            if no.status == 404:
                return None
            raise
        required(shipment, "id")
        return shipment if text(shipment, "reference") == key else None

    async def _create(self, parcel: Parcel, key: str) -> dict[str, Any]:
        options = {"label_format": self.settings.label_format, "invoice_number": parcel.order_id}
        accounts = {"carrier_accounts": list(self.settings.carrier_accounts)} if self.settings.carrier_accounts else {}
        ends = {"to_address": _address(parcel.recipient), "from_address": _address(parcel.sender)}
        shipment = {**ends, "parcel": _size(parcel), "options": options, "reference": key, **accounts}
        return await self._call("POST", "/shipments", {"shipment": shipment}, deed=True)

    async def _buy(self, shipment: str, rate: str) -> Booking:
        """Buy once; when the answer is lost, unreadable or "already bought", the shipment itself is asked."""
        try:
            return _booking(await self._call("POST", f"/shipments/{shipment}/buy", {"rate": {"id": rate}}, deed=True))
        except (OutcomeUnknown, BadPayload, Refused) as lost:
            if isinstance(lost, Refused) and lost.code != _ALREADY_BOUGHT:
                raise
            problem = f"easypost: {shipment} bought or not? {lost}"
        try:
            return _booking(await self._call("GET", f"/shipments/{shipment}"))
        except (TryAgain, BadPayload) as unread:
            raise OutcomeUnknown(problem) from unread

    async def _call(self, method: str, path: str, body: Any = None, *, deed: bool = False) -> dict[str, Any]:
        """body: the query of a GET, else JSON."""
        headers = {"authorization": basic(self.settings.api_key.get_secret_value(), "")}
        sent = {"params" if method == "GET" else "json": body, "extensions": DEED if deed else {}}
        try:
            response = await self.http.request(method, path, headers=headers, **sent)
        except Refused as no:
            raise _explained(no) from no
        return load_object(response.content)


def _signature(secret: str, body: bytes) -> str:
    return "hmac-sha256-hex=" + hmac_sha256(unicodedata.normalize("NFKD", secret), body).hex()


def _explained(no: Refused) -> Refused:
    """A refusal with the vendor's own code and message (text or list), where the body has them."""
    try:
        error = as_object(load_object(no.body).get("error"), "error")
        code, said = text(error, "code"), str(error.get("message"))[:500]
    except BadPayload:
        return no
    return Refused(f"easypost {code}: {said}", code=code or no.code, status=no.status, body=no.body, config=no.config)


def _word(status: str, detail: str) -> str:
    """The one word of the two that counts: '' when there is nothing to tell."""
    if status in _WINS or detail in _NO_REFINEMENT:
        return "" if status == "unknown" else status
    return status if (status, detail) == ("available_for_pickup", "held") else detail


def _when(given: str, *, placed: bool) -> tuple[datetime, Basis]:
    """`Z` is true only when the place is known, else the time may be local (sheet c); a country alone is no zone."""
    at = iso_time(given, "datetime")
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC), Basis.UNKNOWN
    return at, Basis.GIVEN if placed or not given.upper().endswith("Z") else Basis.UNKNOWN


def _with_returns(scans: list[Scan], *, is_return: bool) -> list[Scan]:
    """Deliveries that are the sender's (sheet e): of a return label, or later than the last `return`, by their time."""
    back = max((scan.at for scan in scans if scan.status is Status.RETURNING), default=None)
    for number, scan in enumerate(scans):
        if scan.status is Status.DELIVERED and (is_return or (back and back <= scan.at)):
            scans[number] = replace(scan, status=Status.RETURNED, inferred=not is_return)
    return scans


def _rows(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The list one came for: missing is not the same as empty."""
    if answer.get(name) is None:
        raise BadPayload(f"{name}: is missing")
    return objects(answer[name], name)


def _booking(shipment: Mapping[str, Any]) -> Booking:
    """Raise BadPayload for a shipment that is not bought."""
    label = as_object(shipment.get("postage_label") or {}, "postage_label")
    rate = as_object(shipment.get("selected_rate") or {}, "selected_rate")
    extra = {"label_url": text(label, "label_url"), "company": text(rate, "carrier"), "service": text(rate, "service")}
    number, reference = required(shipment, "tracking_code"), required(shipment, "id")
    return Booking(tracking_number=number, reference=reference, extra={k: v for k, v in extra.items() if v})


def _cheapest(shipment: Mapping[str, Any], service: str, company: str) -> dict[str, Any]:
    """Raise Refused when no rate fits, with what the carriers say about it, or when prices cannot be compared."""
    rates, wanted = _rows(shipment, "rates"), {"service": service, "carrier": company}
    fitting = [rate for rate in rates if all(text(rate, name) == value for name, value in wanted.items() if value)]
    if not fitting:
        offered = [f"{text(rate, 'carrier')} {text(rate, 'service')}" for rate in rates]
        said = [text(message, "message") for message in objects(shipment.get("messages"), "messages")]
        raise Refused(f"easypost: no rate for {company} {service}; {'; '.join(said + offered)[:500]}")
    if len({text(rate, "currency") for rate in fitting}) > 1:
        raise Refused("easypost: rates in several currencies; name a service")
    with unreadable("rate", "a price"):
        return min(fitting, key=lambda rate: Decimal(required(rate, "rate")))


def _address(party: Party) -> dict[str, str]:
    at = party.address
    fields = {"name": party.name, "company": party.company, "phone": party.phone, "email": party.email}
    fields |= {"street1": at.address, "street2": at.district, "city": at.city, "state": at.region}
    return {name: value for name, value in {**fields, "zip": at.postcode, "country": at.country}.items() if value}


def _size(parcel: Parcel) -> dict[str, float]:
    """Ounces, never less than the parcel weighs, and inches."""
    ounces = (Decimal(parcel.weight_g) / _OUNCE_G).quantize(Decimal("0.1"), rounding="ROUND_UP")
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    inches = {name: float(round(Decimal(side) / _INCH_MM, 2)) for name, side in sides.items() if side is not None}
    return {"weight": float(ounces), **(inches if len(inches) == len(sides) else {})}
