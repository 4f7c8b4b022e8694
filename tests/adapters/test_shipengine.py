"""ShipEngine: the sheet's vector, and what its samples cannot show: where the keys come from."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.shipengine import ShipEngineAdapter
from adapters.shipengine.settings import ShipEngineSettings
from gateway.contract import BadSignature, Can, OutcomeUnknown, Push
from gateway.contract.client import contract_client
from gateway.domain import Address, LegRef, Parcel, Party

SAMPLES = Path(__file__).parent.parent / "samples" / "shipengine"
[VECTOR] = json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))
JWK: dict[str, str] = VECTOR["inputs"]["jwk"]
OTHER: dict[str, str] = json.loads((SAMPLES / "settings.json").read_text())["settings"]["jwks"]["keys"][0]
PUSH = Push(
    headers={
        "x-shipengine-timestamp": VECTOR["inputs"]["x-shipengine-timestamp"],
        "x-shipengine-rsa-sha256-key-id": VECTOR["inputs"]["x-shipengine-rsa-sha256-key-id"],
        "x-shipengine-rsa-sha256-signature": VECTOR["expected"]["x-shipengine-rsa-sha256-signature"],
    },
    body=VECTOR["inputs"]["body"].encode(),
)
THEN = datetime(2026, 1, 15, 14, 3, tzinfo=UTC)
LEG = LegRef(carrier="usps", tracking_number="TEST0001", company="usps")
HOME = Party(name="A. Sample", address=Address(country="US", city="Reno"))
PARCEL = Parcel(order_id="SO-1", sender=HOME, recipient=HOME, service="usps_priority_mail")


class Vendor:
    """A stand-in with a key set and labels. keys: None answers 503."""

    def __init__(self, keys: list[dict[str, str]] | None = None, *, lose: bool = False) -> None:
        self.keys = keys
        self.lose = lose
        self.asked: list[str] = []
        self.labels: dict[str, dict[str, str]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url.copy_with(query=None)))
        if request.url.path == "/jwks":
            assert "api-key" not in request.headers
            return httpx.Response(503) if self.keys is None else httpx.Response(200, json={"keys": self.keys})
        if request.url.path == "/labels":
            return self._buy(request)
        if request.url.path.startswith("/labels/external_shipment_id/"):
            found = self.labels.get(request.url.path.rsplit("/", 1)[1])
            return httpx.Response(200, json=found) if found else httpx.Response(404, json={"errors": []})
        return httpx.Response(200, json={"tracking_number": "TEST0001", "status_code": "UN", "events": []})

    def _buy(self, request: httpx.Request) -> httpx.Response:
        key = json.loads(request.content)["shipment"]["external_shipment_id"]
        assert key not in self.labels, "bought twice"
        self.labels[key] = {"label_id": "se-1", "status": "completed", "tracking_number": "94001"}
        if self.lose:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(200, json=self.labels[key])


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def adapter(handler: Any, clock: Any = lambda: THEN, **settings: Any) -> ShipEngineAdapter:
    checked = ShipEngineSettings(base_url="https://shipengine.test", api_key="TEST_made_up", **settings)
    client = contract_client("https://shipengine.test", httpx.MockTransport(handler))
    return ShipEngineAdapter(checked, client, clock=clock)


@pytest.mark.parametrize("jwks", [{"keys": [JWK]}, [JWK], json.dumps({"keys": [OTHER, JWK]})])
def test_the_signature_is_the_vectors_by_a_key_of_the_setting(jwks: Any) -> None:
    speaks = adapter(Vendor(), jwks=jwks)
    speaks.verify(PUSH)
    with pytest.raises(BadSignature):
        adapter(Vendor(), lambda: THEN + timedelta(seconds=301), jwks=jwks).verify(PUSH)


async def test_an_unknown_key_is_refused_and_fetched_for_another_look() -> None:
    vendor = Vendor([{"kty": "EC", "kid": "elliptic"}, JWK])
    speaks = adapter(vendor, jwks=[OTHER])
    with pytest.raises(BadSignature, match="no key we know"):
        speaks.verify(PUSH)
    assert vendor.asked == []
    assert await speaks.learn()
    assert vendor.asked == ["https://api.shipengine.com/jwks"]
    speaks.verify(PUSH)
    assert not await speaks.learn()


async def test_keys_are_not_asked_for_when_nobody_came_with_an_unknown_one() -> None:
    vendor = Vendor([JWK])
    speaks = adapter(vendor, jwks=[JWK])
    speaks.verify(PUSH)
    assert not await speaks.learn()
    assert vendor.asked == []


async def test_made_up_key_ids_fetch_the_set_once_in_five_minutes() -> None:
    vendor, clock = Vendor(None), Clock(THEN)
    speaks = adapter(vendor, clock, jwks_url="https://shipengine.test/jwks")

    async def knocks() -> bool:
        with pytest.raises(BadSignature):
            speaks.verify(PUSH)
        return await speaks.learn()

    assert [await knocks() for _ in range(3)] == [False, False, False]
    assert vendor.asked.count("https://shipengine.test/jwks") == 1
    vendor.keys, clock.now = [JWK], THEN + timedelta(minutes=5)
    assert await knocks()
    speaks.verify(PUSH)


async def test_a_pinned_key_is_not_replaced_by_a_fetched_one_of_its_name() -> None:
    vendor = Vendor([{**OTHER, "kid": JWK["kid"]}])
    speaks = adapter(vendor, jwks=[JWK])
    with pytest.raises(BadSignature):
        speaks.verify(Push(headers={**PUSH.headers, "x-shipengine-rsa-sha256-key-id": "new"}, body=PUSH.body))
    assert await speaks.learn()
    speaks.verify(PUSH)


@pytest.mark.parametrize("key", [{**JWK, "n": "AQAB"}, {**JWK, "kty": "oct"}, {**JWK, "kid": ""}, {**JWK, "n": "****"}])
def test_a_setting_that_holds_no_good_key_is_an_error(key: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="jwks"):
        adapter(Vendor(), jwks=[key])


async def test_a_lost_answer_is_found_and_nothing_is_bought_twice() -> None:
    speaks = adapter(Vendor(lose=True), carrier_id="se-1001")
    with pytest.raises(OutcomeUnknown):
        await speaks.book(PARCEL, "case-1")
    booking = await speaks.find_booking("case-1")
    assert booking is not None
    assert await speaks.book(PARCEL, "case-1") == booking


def test_without_a_carrier_account_nothing_is_booked() -> None:
    speaks = adapter(Vendor())
    assert Can.BOOK not in speaks.able(speaks.settings)
