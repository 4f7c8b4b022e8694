"""Shippo, API 2018-02-08 (docs.goshippo.com). Source: the fact sheet carriers/shippo.md.

An aggregator. One number per call, named with its carrier; about 750 reads a minute on a live token (unverified), 50
on a test one (set `calls_per_second: 0.8`). Some carriers are webhook-only: they cannot be polled. A number nobody
knows is a 200 without a status.

Known limits. Times end in Z and may be local all the same, and nothing tells which: their basis is `unknown`. Pushes
are signed only with a secret from Shippo's support; until then the row needs a `webhook_token`. The list of
sub-statuses and the number of retries are unverified; fields of rates and lists are from Shippo's public reference, not
from the sheet. Booking has no idempotency key (labels.py says what stands in its place). Parcels across a border need
customs data we do not have; Shippo says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from adapters.shippo.labels import KEPT, Labels
from adapters.shippo.settings import ShippoSettings
from adapters.shippo.statuses import STATUSES, refined, word
from gateway.contract.carrier import Can, CarrierAdapter, Push, Rate
from gateway.contract.client import ask, explained
from gateway.contract.errors import BadPayload, BadSignature, Refused
from gateway.contract.reading import (
    Fields,
    given_time,
    inside,
    joined,
    load_object,
    objects,
    optional,
    required,
    text,
)
from gateway.contract.signing import accepted, hmac_sha256, only_by_path, same
from gateway.contract.writing import company_of
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Status

_WINDOW = 300  # seconds a signature is good for


class ShippoAdapter(CarrierAdapter):
    """Tracks by number and by push; labels by shipment, rate and transaction."""

    code = "shippo"
    name = "Shippo"
    confidence = "medium-high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL
    Settings = ShippoSettings
    aggregator = True
    rate = Rate(750, 60)
    statuses = STATUSES
    remembers_key = KEPT.total_seconds()

    @classmethod
    def by_path(cls, settings: ShippoSettings) -> bool:
        """Without the secret that Shippo's support issues."""
        return settings.hmac_secret is None

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """The history of each leg; a track without a status is "not found (yet)"."""
        return [scan for leg in legs for scan in self._scans(await self._track(leg))]

    def verify(self, request: Push) -> None:
        """`Shippo-Auth-Signature` over `t.body`, at most 300 s old; without a secret, the path token."""
        ours = self.settings
        secrets = accepted(ours.hmac_secret, ours.previous_hmac_secret)
        if not secrets:
            only_by_path(request)
            return
        header = request.headers.get("shippo-auth-signature", "")
        parts = re.fullmatch(r"t=([0-9]{1,12}), ?v1=([0-9a-f]{64})", header)
        if parts is None:
            raise BadSignature("Shippo-Auth-Signature: t=..,v1=.. was expected")
        at, given = parts.groups()
        if abs(self.clock().timestamp() - int(at)) > _WINDOW:
            raise BadSignature(f"Shippo-Auth-Signature: t={at} is more than {_WINDOW} s away")
        signed = f"{at}.".encode() + request.body
        if not any(same(given, hmac_sha256(secret, signed).hex()) for secret in secrets):
            raise BadSignature("Shippo-Auth-Signature: does not fit the body")

    def receive(self, request: Push) -> list[Scan]:
        """The whole track of `track_updated`; other events have nothing for us."""
        event = load_object(request.body)
        return self._scans(inside(event, "data")) if required(event, "event") == "track_updated" else []

    async def subscribe(self, leg: LegRef) -> None:
        """Register the number: its changes are pushed to the account's webhook."""
        await self._call(
            "POST", "/tracks/", json={"carrier": self._company(leg), "tracking_number": leg.tracking_number}
        )

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """The cheapest rate of `parcel.service` (of any service when it names none), under `key`."""
        return await self._labels.book(parcel, key)

    async def find_booking(self, key: str) -> Booking | None:
        """A shipment whose rates were not bought is no booking: `book` goes on with it."""
        return await self._labels.find(key)

    async def cancel(self, leg: LegRef) -> None:
        """Ask for the refund of a label; `reference` is the transaction's id."""
        if not leg.reference:
            raise Refused("reference: the leg has none, and it is the transaction's id")
        await self._labels.refund(leg.reference)

    async def _track(self, leg: LegRef) -> dict[str, Any]:
        carrier, number = quote(self._company(leg), safe=""), quote(leg.tracking_number, safe="")
        return await self._call("GET", f"/tracks/{carrier}/{number}")

    def _scans(self, track: Fields) -> list[Scan]:
        """The status is an item of the history, or newer than it."""
        if "tracking_status" not in track:
            raise BadPayload("tracking_status: is missing")
        number, company = required(track, "tracking_number"), text(track, "carrier") or None
        newest = optional(track, "tracking_status")
        items = [*([newest] if newest else []), *objects(track.get("tracking_history"), "tracking_history")]
        scans = [self._scan(number, company, item) for item in items]
        return list({(scan.at, scan.carrier_code): scan for scan in scans if scan is not None}.values())

    def _scan(self, number: str, company: str | None, item: Fields) -> Scan | None:
        """One item, None for one that says nothing (yet)."""
        code = word(item)
        if code is None:
            return None
        at, basis = given_time(item, "status_date")
        told = refined(code, item)
        status, reason = told or self.meaning(code)
        return Scan(
            tracking_number=number,
            company=company,
            at=at,
            basis=basis if at.utcoffset() else Basis.UNKNOWN,  # a Z may be put behind any local time
            status=status,
            reason=reason,
            carrier_code=code,
            text=text(item, "status_details"),
            place=joined(optional(item, "location"), "city", "state", "country"),
            event_id=text(item, "object_id") or None,
            inferred=status is Status.RETURNED,
        )

    @cached_property
    def _labels(self) -> Labels:
        return Labels(self.settings, self._call, self.clock)

    def _company(self, leg: LegRef) -> str:
        return company_of(self.code, leg, self.settings.company)

    async def _call(self, method: str, path: str, *, deed: bool = False, **request: Any) -> dict[str, Any]:
        token = self.settings.api_token.get_secret_value()
        headers = {"authorization": f"ShippoToken {token}", "shippo-api-version": "2018-02-08"}
        with explained(_error):
            return await ask(self.http, method, path, deed=deed, headers=headers, **request)


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """The field a refusal speaks of (`detail`, `__all__`, a field of ours), and what it says."""
    field, said = next(iter(answer.items()), ("", ""))
    return field, str(said)
