"""Shippo: the sheet's vector, and what its samples cannot show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.shippo import ShippoAdapter
from adapters.shippo.settings import ShippoSettings
from gateway.contract import BadSignature, OutcomeUnknown, Push, Unavailable
from gateway.contract.client import contract_client
from gateway.domain import Address, Parcel, Party

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "samples" / "shippo" / "vectors.json").read_text(encoding="utf-8")
)
HOME = Party(name="A. Sample", address=Address(country="US", city="Reno"))
PARCEL = Parcel(order_id="SO-1", sender=HOME, recipient=HOME)
RATE = {"object_id": "rate_1", "amount": "6.07", "currency": "USD", "provider": "USPS", "servicelevel": {"token": "x"}}


class Vendor:
    """A stand-in that keeps shipments and transactions, and loses the answer to one POST it is told to lose."""

    def __init__(self, lose: str = "", *, endless: bool = False) -> None:
        self.lose = lose
        self.endless = endless
        self.shipments: list[dict[str, Any]] = []
        self.bought: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._post(request) if request.method == "POST" else self._get(request)
        if request.method == "POST" and self.lose and request.url.path.startswith(self.lose):
            self.lose = ""
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    def _post(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path == "/shipments/":
            made = {"object_id": f"shp_{len(self.shipments)}", "metadata": body["metadata"], "rates": [RATE]}
            self.shipments.append(made)
            return httpx.Response(201, json=made)
        label = {"object_id": f"txn_{len(self.bought)}", "status": "SUCCESS", "rate": body["rate"]}
        self.bought.append({**label, "tracking_number": f"94{len(self.bought)}"})
        return httpx.Response(201, json=self.bought[-1])

    def _get(self, request: httpx.Request) -> httpx.Response:
        rows = self.shipments if request.url.path == "/shipments/" else self.bought
        return httpx.Response(200, json={"next": "more" if self.endless else None, "results": rows})


def adapter(handler: Any, *, now: datetime = datetime(2026, 1, 15, tzinfo=UTC), **settings: Any) -> ShippoAdapter:
    checked = ShippoSettings(base_url="https://shippo.test", api_token="shippo_test_made_up", **settings)
    client = contract_client("https://shippo.test", httpx.MockTransport(handler))
    return ShippoAdapter(checked, client, clock=lambda: now)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
@pytest.mark.parametrize("setting", ["hmac_secret", "previous_hmac_secret"])
def test_the_signature_is_the_vectors(vector: dict[str, Any], setting: str) -> None:
    given, then = vector["inputs"], datetime.fromtimestamp(int(vector["inputs"]["t"]), tz=UTC)
    push = Push(
        headers={"shippo-auth-signature": vector["expected"]["Shippo-Auth-Signature"]}, body=given["body"].encode()
    )
    adapter(Vendor(), now=then, **{setting: given["secret"]}).verify(push)
    for now, secret in ((then, "another"), (then + timedelta(seconds=301), given["secret"])):
        with pytest.raises(BadSignature):
            adapter(Vendor(), now=now, **{setting: secret}).verify(push)


def test_without_a_secret_a_push_is_believed_on_its_secret_path_only() -> None:
    speaks = adapter(Vendor())
    speaks.verify(Push(token="a-long-random-path-token", body=b"{}"))
    with pytest.raises(BadSignature):
        speaks.verify(Push(body=b"{}", headers={"shippo-auth-signature": "t=1768435200,v1=" + "0" * 64}))


@pytest.mark.parametrize("lose", ["/shipments/", "/transactions/", ""])
async def test_one_key_buys_once_whatever_answer_is_lost(lose: str) -> None:
    vendor = Vendor(lose)
    speaks = adapter(vendor)
    try:
        booking = await speaks.book(PARCEL, "case-1")
    except Unavailable:
        assert lose == "/shipments/"
        assert await speaks.find_booking("case-1") is None
        booking = await speaks.book(PARCEL, "case-1")
    assert await speaks.find_booking("case-1") == booking
    assert await speaks.book(PARCEL, "case-1") == booking
    assert (len(vendor.shipments), len(vendor.bought)) == (1, 1)


async def test_a_long_key_is_found_again() -> None:
    speaks = adapter(Vendor())
    assert await speaks.book(PARCEL, "k" * 150) == await speaks.find_booking("k" * 150)


async def test_a_list_that_never_ends_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown, match="there are more"):
        await adapter(Vendor(endless=True)).find_booking("case-1")
