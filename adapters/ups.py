"""UPS: Track v1, Track Alert v1 and v2, Ship and Void v2409, Delivery Intercept v2. Source: the sheet carriers/ups.md.

One number per query; no published pace, token life or push retry (the gateway's defaults apply). Pushes are not signed:
v1 brings the `credential` we chose, v2 a bearer that we issue ourselves (`token`) and our client id in `x-api-key`.

Known limits. Intercepts cost a fee that is not asked about first; their fields (setting `intercept`) are from UPS's
OpenAPI. Labels are not kept: they are fetched again by label recovery, which also finds a booking whose answer was
lost. "Already voided" has no documented code and is known by its words. A delivery after a return is left to the fold:
011 does not say who has it. Codes 070-169 have one source, 155/156 too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_UP, Decimal
from functools import cached_property, partial
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, model_validator

from gateway.contract.bearer import Bearers
from gateway.contract.carrier import DEED, Can, CarrierAdapter, CarrierSettings, Meaning, Push, Reply
from gateway.contract.errors import BadPayload, BadSignature, Refused
from gateway.contract.reading import as_object, inside, load_object, local_time, objects, required, text, unreadable
from gateway.contract.secret import Secret
from gateway.contract.signing import basic, same
from gateway.contract.tokens import Token, TokenCache
from gateway.domain import Basis, Booking, LegRef, Parcel, Party, Reason, Scan, Status

#: Sheet (e): three-digit codes; the two-letter codes and types behind them are read only where no three-digit code is.
#: D is missing on purpose: it also says "loaded on vehicle". The second row: dates, wishes and paperwork, not places.
_TABLE = """
info: 000 088 148 163 U; pre_transit: 003 080 157 166 044-045 079 065 131 135 077 043 MP M
info: 027-028 096-099 016 019-020 083 100-109 018 041-042 054-056 063 082 095 110-116 120-122 136 153-154
info: 127-128 130 133 140 142; picked_up: 038 160 167-169 PU P
in_transit: 005 010 025 039 047 057 070-071 073-075 087 093-094 137-138 143 158-159 164-165 014 084 134 OR AR DP I
customs: 012 092 123 126; exception/customs_hold: 058 124-125 141
out_for_delivery: 006 021 072 078 089 091 146 162 OT; available_for_pickup: 017 040 144 161
delivered: 011 026 155-156 FS; attempt_failed: 022-024 060-061 066 145; attempt_failed/payment_due: 062
exception/address_problem: 050; exception/refused: 064; exception/damaged: 059; exception/lost: 068
exception/unclaimed: 069; exception/weather: 032 051-053; exception/carrier_delay: 046 048 086 090
exception/security: 132 139 147 149; exception/payment_due: 085; exception/other: 013 029-030 049 076 129 X
returning: 033 035-037 117-119; returning/damaged: 081; returned: 034 067; cancelled: 007 MV
"""
#: Answers of the label recovery, seen in production by a public client.
_NO_LABEL, _VOIDED = "9801031", "9801040"
_LABEL = {"LabelImageFormat": {"Code": "GIF"}}
_quoted = partial(quote, safe="")
_ACTIVITIES = frozenset({"MP", "PU", "OR", "AR", "DP", "OT", "FS"})
_ONLY_WITH_D = frozenset({"155", "156", "FS"})
#: Errors that a person mends in the settings; 401 and 403 are such by their status.
_CONFIG = frozenset(f"VSS{number:03}" for number in (2, 3, 4, 6, 300, 310, 400, 500, 600, 610, 700, 800, 930))
#: Track Alert's names of what the Track API calls otherwise.
_ALERT = {"gmtDate": "gmtActivityDate", "gmtTime": "gmtActivityTime", "gmtOffset": "gmtOffset"}
_ALERT |= {"date": "localActivityDate", "time": "localActivityTime"}


def _meanings(table: str) -> Iterator[tuple[str, Meaning]]:
    for means, codes in re.findall("([a-z_/]+): ([^;\n]+)", table):
        status, _, reason = means.partition("/")
        for word in codes.split():
            first, _, last = word.partition("-")
            for code in [f"{number:03}" for number in range(int(first), int(last) + 1)] if last else [first]:
                yield code, Meaning(Status(status), Reason(reason) if reason else None)


class UpsSettings(CarrierSettings):
    """client_*: the app's. credential, webhook_url: what v1 subscriptions carry. push_client_*: what we gave UPS in the
    portal for v2, to fetch bearers with. services: our service names to UPS service codes. intercept: fields of the
    return request, `clientIP` and `requesterContactInfo` {name, telephone} at least.
    """

    client_id: str = Field(min_length=1)
    client_secret: Secret
    merchant_id: str = ""
    transaction_src: str = Field(default="carrier-gateway", min_length=1)
    locale: str = "en_US"
    country_code: str = "US"
    push_version: Literal["v1", "v2"] = "v2"
    subscription_type: Literal["standard", "enhanced"] = "standard"
    event_preferences: tuple[str, ...] = ()
    webhook_url: str = ""
    credential: Secret | None = None
    push_client_id: str = ""
    push_client_secret: Secret | None = None
    shipper_number: str = ""
    services: dict[str, str] = {"": "03", "standard": "03"}
    intercept: dict[str, Any] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.push_version == "v1" and not (self.credential and self.webhook_url):
            raise ValueError("push_version v1 needs credential and webhook_url")
        if bool(self.push_client_id) != bool(self.push_client_secret):
            raise ValueError("push_client_id and push_client_secret go together")
        return self


class UpsAdapter(CarrierAdapter):
    """UPS by its REST API: OAuth client credentials, a `transId` per call."""

    code = "ups"
    name = "UPS"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = UpsSettings
    statuses = dict(_meanings(_TABLE))
    subscription_life = 14 * 86400.0

    @classmethod
    def able(cls, settings: UpsSettings) -> Can:
        """Booking is charged to a shipper's account."""
        return cls.can if settings.shipper_number else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every activity of each leg; TW0001 and 404 are "not found (yet)"."""
        return [scan for leg in legs for scan in await self._history(leg.tracking_number)]

    async def _history(self, number: str) -> list[Scan]:
        locale = {"locale": self.settings.locale}
        packages = await self._packages(f"/api/track/v1/details/{_quoted(number)}", locale)
        return [scan for package in packages for scan in self._scans(package, number)]

    async def _packages(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        try:
            answer = await self._ask("GET", path, params=params)
        except Refused as no:
            if no.status != 404:
                raise
            return []
        shipments = _listed(inside(answer, "trackResponse"), "shipment")
        return [package for shipment in shipments for package in _packages_of(shipment)]

    def _scans(self, package: Mapping[str, Any], number: str) -> list[Scan]:
        activities, number = objects(package.get("activity"), "activity"), text(package, "trackingNumber") or number
        newest = max((_when(activity)[0] for activity in activities), default=None)
        dated = any(text(day, "type") == "DEL" for day in objects(package.get("deliveryDate"), "deliveryDate"))
        return [  # newest first, says the sheet: the place from the end is the carrier's own sequence
            self._scan(number, activity, dated and _when(activity)[0] == newest, order)
            for order, activity in enumerate(reversed(activities))
        ]

    def _scan(self, number: str, activity: Mapping[str, Any], arrived: bool, order: int = 0) -> Scan:
        """One activity. arrived: the date of delivery is filled in, without which a D is no delivery."""
        status = as_object(activity.get("status") or {}, "status")
        word, kind, (at, basis) = _word(status), text(status, "type"), _when(activity)
        doubtful = word in _ONLY_WITH_D and kind != "D" and (kind or word != "FS")
        meaning = Meaning(Status.DELIVERED) if word == "D" and arrived else self.meaning("" if doubtful else word)
        return Scan(
            tracking_number=number,
            at=at,
            basis=basis,
            status=meaning.status,
            reason=meaning.reason,
            carrier_code=word,
            text=text(status, "description"),
            place=_place(as_object(activity.get("location") or {}, "location")),
            order=order,
        )

    def verify(self, request: Push) -> None:
        """v1: our own secret in `credential`. v2: a bearer of ours that has not expired, and our client id."""
        ours, headers = self.settings, request.headers
        agreed = ours.credential and same(headers.get("credential", ""), ours.credential.get_secret_value())
        key = headers.get("x-api-key", "")
        known = same(key, ours.push_client_id) or same(key, ours.client_id)
        if not agreed and not (known and self._bearers.accepts(headers.get("authorization", ""))):
            raise BadSignature("ups: neither our credential nor a bearer of ours with our client id")

    def token(self, request: Push) -> Reply:
        """The token endpoint of v2, for `push_client_id` and `push_client_secret`."""
        return self._bearers.issue(request)

    @cached_property
    def _bearers(self) -> Bearers:
        secret = self.settings.push_client_secret
        return Bearers(self.settings.push_client_id, secret.get_secret_value() if secret else "", self.clock)

    def receive(self, request: Push) -> list[Scan]:
        """One event of Track Alert, v1 and v2 alike."""
        event = load_object(request.body)
        status = as_object(event.get("activityStatus") or {}, "activityStatus")
        activity = {ours: event.get(theirs) for ours, theirs in _ALERT.items()}
        activity["status"] = {**status, "statusCode": status.get("descriptionCode")}
        activity["location"] = {"address": event.get("activityLocation")}
        return [self._scan(required(event, "trackingNumber"), activity, bool(text(event, "actualDeliveryDate")))]

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
        answer = await self._ask("POST", path, json=body)
        valid, invalid = (answer.get(f"{which}TrackingNumbers") or [] for which in ("valid", "invalid"))
        if not isinstance(valid, list) or not isinstance(invalid, list):
            raise BadPayload("validTrackingNumbers, invalidTrackingNumbers: lists were expected")
        if number in invalid or number not in valid:
            raise Refused(f"ups: {number} was not subscribed", status=200)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` travels as CustomerContext and as a reference number, by which a lost answer is found again."""
        answer = await self._ask("POST", "/api/shipments/v2409/ship", json=self._ship(parcel, key), extensions=DEED)
        results = inside(answer, "ShipmentResponse", "ShipmentResults")
        return _booking(results, _first(results, "PackageResults"))

    def _ship(self, parcel: Parcel, key: str) -> dict[str, Any]:
        account, service = self.settings.shipper_number, self.settings.services.get(parcel.service, parcel.service)
        if not account or not re.fullmatch("[0-9A-Z]{2,3}", service):
            raise Refused(f"ups: set shipper_number, and {parcel.service!r} in services", config=True)
        reference = {"ReferenceNumber": [{"Value": _reference(key)}]}
        domestic = {parcel.sender.address.country, parcel.recipient.address.country} == {"US"}
        shipment = {
            "Shipper": {**_party(parcel.sender), "ShipperNumber": account},
            "ShipTo": _party(parcel.recipient),
            "Service": {"Code": service},
            "PaymentInformation": {"ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": account}}]},
            "Package": [_package(parcel) | (reference if domestic else {})],  # elsewhere only shipments have one
        }
        request = {"RequestOption": "nonvalidate", "TransactionReference": {"CustomerContext": key}}
        shipment |= {} if domestic else reference
        return {"ShipmentRequest": {"Request": request, "Shipment": shipment, "LabelSpecification": _LABEL}}

    async def find_booking(self, key: str) -> Booking | None:
        """By the reference number given at booking: its label, which is there at once, else its tracking (14 days)."""
        account, reference = self.settings.shipper_number, _reference(key)
        wanted = {"ReferenceNumber": {"Value": reference}, "ShipperNumber": account}
        body = {"Request": {}, "LabelSpecification": _LABEL, "ReferenceValues": wanted}
        try:
            answer = await self._ask("POST", "/api/labels/v1/recovery", json={"LabelRecoveryRequest": body})
            label = inside(answer, "LabelRecoveryResponse")
            return _booking(label, _first(label, "LabelResults"))
        except Refused as no:
            if no.code == _VOIDED:
                return None
            if no.status != 404 and no.code != _NO_LABEL:
                raise
        params = {"refNumType": "SmallPackage", "shipperNum": account}
        packages = await self._packages(f"/api/track/v1/reference/details/{reference}", params)
        numbers = sorted(required(package, "trackingNumber") for package in packages)
        return _booked(numbers[0], numbers[0]) if numbers else None

    async def cancel(self, leg: LegRef) -> None:
        """Void the shipment: the one we booked, else the reference if it is a UPS number, else the tracking number."""
        known = leg.reference if re.fullmatch("1Z[0-9A-Z]{16}", leg.reference) else leg.tracking_number
        number = _quoted(leg.extra.get("ShipmentIdentificationNumber", known))
        try:
            answer = await self._ask("DELETE", f"/api/shipments/v2409/void/cancel/{number}", extensions=DEED)
            status = inside(answer, "VoidShipmentResponse", "SummaryResult", "Status")
            if required(status, "Code") != "1":
                raise Refused(f"ups: {text(status, 'Description')}", code=text(status, "Code"), status=200)
        except Refused as no:
            if no.config or not re.search("already (been )?void", no.detail, re.IGNORECASE):
                raise

    async def intercept(self, leg: LegRef) -> str:
        """Return to sender, for a fee. The reference is UPS's transaction id."""
        if "requesterContactInfo" not in self.settings.intercept:
            raise Refused("ups: intercepts need requesterContactInfo in the setting intercept", config=True)
        body = {"source": "72", "reasonForReturn": "KV", **self.settings.intercept}
        body |= {"transactionId": self.nonce()[:14], "trackingNumber": leg.tracking_number}
        path = f"/api/deliveryintercept/v2/return/{_quoted(leg.tracking_number)}"
        answer = await self._ask("POST", path, json=body, extensions=DEED)
        if required(answer, "success") != "true":
            raise Refused(f"ups: {text(answer, 'statusMsg')}", code=text(answer, "statusCode"), status=200)
        return required(answer, "transactionId")

    @cached_property
    def _tokens(self) -> TokenCache:
        return TokenCache(self._fetch_token, self.clock)

    async def _fetch_token(self) -> Token:
        ours = self.settings
        headers = {"Authorization": basic(ours.client_id, ours.client_secret.get_secret_value())}
        headers |= {"x-merchant-id": ours.merchant_id} if ours.merchant_id else {}
        grant = {"grant_type": "client_credentials"}
        answer = await self._send("POST", "/security/v1/oauth/token", headers=headers, data=grant)
        value, seconds = required(answer, "access_token"), required(answer, "expires_in")
        with unreadable("expires_in", seconds):
            return Token(value=value, expires_at=self.clock() + timedelta(seconds=float(seconds)))

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to one call with a bearer; a bearer that is refused is replaced once."""

        def call(token: str) -> Awaitable[dict[str, Any]]:
            ours = {"transId": self.nonce()[:32], "transactionSrc": self.settings.transaction_src}
            return self._send(method, path, headers={"Authorization": f"Bearer {token}", **ours}, **request)

        return await self._tokens.use(call)

    async def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to one call; UPS's own code of a no, whatever its HTTP status."""
        try:
            response = await self.http.request(method, path, **request)
        except Refused as no:
            raise _explained(no) from no
        answer = load_object(response.content)
        if as_object(answer.get("response") or {}, "response").get("errors"):
            raise _explained(Refused("HTTP 200", status=200, body=response.content[:65536]))
        return answer


def _explained(no: Refused) -> Refused:
    """The refusal with the code and message of the first error in its body."""
    try:
        answer = load_object(no.body)
        said = as_object(answer.get("response", answer), "response")
        error = objects(said.get("errors"), "errors")[0]
        code, detail = text(error, "code") or text(error, "errorCode"), text(error, "message")
    except (BadPayload, IndexError):
        return no
    config = no.config or code in _CONFIG
    return Refused(f"ups {code}: {detail}", code=code, status=no.status, body=no.body, config=config)


def _listed(source: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """A list that must be there and hold something."""
    found = objects(source.get(field), field)
    if not found:
        raise BadPayload(f"{field}: is missing")
    return found


def _packages_of(shipment: Mapping[str, Any]) -> list[dict[str, Any]]:
    if packages := objects(shipment.get("package"), "package"):
        return packages
    codes = [text(warning, "code") for warning in _listed(shipment, "warnings")]
    if "TW0001" in codes:
        return []
    raise Refused(f"ups: no package, but {' '.join(codes)}", code=codes[0], status=200)


def _word(status: Mapping[str, Any]) -> str:
    """The word that decides: the three-digit code (`currentStatus` puts it in `code`), else activity, else type."""
    kind, short, fine = text(status, "type"), text(status, "code"), text(status, "statusCode")
    fine = fine or (short if re.fullmatch("[0-9]{3}", short) else "")
    if fine:
        return fine.zfill(3)
    return short if short in _ACTIVITIES and kind not in {"X", "MV", "U"} else kind or short


def _when(activity: Mapping[str, Any]) -> tuple[datetime, Basis]:
    """GMT first, shown at the local offset; without it local time, whose offset nobody knows unless it is given."""
    given = text(activity, "gmtOffset")
    offset = _offset(given) if given else None
    if text(activity, "gmtDate") and text(activity, "gmtTime"):
        return _stamp(activity, "gmtDate", "gmtTime", UTC).astimezone(offset or UTC), Basis.GIVEN
    return _stamp(activity, "date", "time", offset or UTC), Basis.GIVEN if offset else Basis.UNKNOWN


def _stamp(activity: Mapping[str, Any], date: str, time: str, zone: timezone) -> datetime:
    digits = required(activity, date) + required(activity, time).replace(":", "").zfill(6)
    return local_time(digits if len(digits) == 14 else "", zone, time, "%Y%m%d%H%M%S")


def _offset(value: str) -> timezone:
    parts = re.fullmatch(r"([+-]?)([0-9]{1,2})[:.]?([0-9]{0,2})", value)  # -05:00, -04.00
    with unreadable("gmtOffset", value):
        sign, hours, minutes = parts.groups() if parts else ("", "99", "")
        ahead = timedelta(hours=int(hours), minutes=int(minutes.ljust(2, "0")))
        return timezone(-ahead if sign == "-" else ahead)


def _place(location: Mapping[str, Any]) -> str:
    address = as_object(location.get("address") or {}, "address")
    country = text(address, "countryCode") or text(address, "country")
    return ", ".join(filter(None, (text(address, "city"), text(address, "stateProvince"), country)))


def _booking(shipment: Mapping[str, Any], package: Mapping[str, Any]) -> Booking:
    return _booked(required(package, "TrackingNumber"), required(shipment, "ShipmentIdentificationNumber"))


def _booked(number: str, shipment: str) -> Booking:
    return Booking(tracking_number=number, reference=shipment, extra={"ShipmentIdentificationNumber": shipment})


def _first(source: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The first package: a list, or an object in the answers of older versions."""
    found = source.get(field)
    return found if isinstance(found, dict) else _listed(source, field)[0]


def _reference(key: str) -> str:
    """A reference number of at most 35 plain characters."""
    return key if re.fullmatch("[A-Za-z0-9-]{1,35}", key) else hashlib.sha256(key.encode()).hexdigest()[:35]


def _party(party: Party) -> dict[str, Any]:
    at = party.address
    lines = [line for line in (at.address, at.district) if line]
    address = {"AddressLine": lines, "City": at.city, "StateProvinceCode": at.region, "PostalCode": at.postcode}
    contact = {"Name": party.company or party.name, "AttentionName": party.name}
    phone = {"Phone": {"Number": party.phone.lstrip("+")}} if party.phone else {}
    return {**contact, **phone, "Address": {**address, "CountryCode": at.country}}


def _package(parcel: Parcel) -> dict[str, Any]:
    """Pounds and inches from the United States, else kilograms and centimetres; always rounded up."""
    units, gram, mm = (
        ("LBS IN", "453.59237", "25.4") if parcel.sender.address.country == "US" else ("KGS CM", "1000", "10")
    )
    weight_unit, length_unit = ({"Code": unit} for unit in units.split())
    weight = {"UnitOfMeasurement": weight_unit, "Weight": _rounded(parcel.weight_g, gram)}
    sides = {"Length": parcel.length_mm, "Width": parcel.width_mm, "Height": parcel.height_mm}
    package: dict[str, Any] = {"Packaging": {"Code": "02"}, "PackageWeight": weight}
    if all(sides.values()):
        sizes = {name: _rounded(side or 0, mm) for name, side in sides.items()}
        package["Dimensions"] = {"UnitOfMeasurement": length_unit, **sizes}
    return package


def _rounded(amount: int, unit: str) -> str:
    return str((Decimal(amount) / Decimal(unit)).quantize(Decimal("0.1"), ROUND_UP))
