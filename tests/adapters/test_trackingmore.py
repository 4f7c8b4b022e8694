"""TrackingMore: the sheet's vectors, and what its samples cannot show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.trackingmore import TrackingMoreAdapter
from adapters.trackingmore.settings import TrackingMoreSettings
from gateway.contract import BadPayload, BadSignature, Push, Refused, Unavailable
from gateway.contract.client import contract_client
from gateway.domain import LegRef

SAMPLES = Path(__file__).parent.parent / "samples" / "trackingmore"
VECTORS: list[dict[str, Any]] = json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))
SHEET = json.loads((SAMPLES / "pushes" / "sheet.json").read_text(encoding="utf-8"))["push"]
LEG = LegRef(carrier="china_post", tracking_number="RR123456789CN", company="china-post", phone="+8613800005514")


def adapter(handler: Any, **given: Any) -> TrackingMoreAdapter:
    known = {"api_key": "tm-key-0001", "webhook_secret": "00000000-1111-2222-3333-444444444444", **given}
    checked = TrackingMoreSettings(base_url="https://trackingmore.test", **known)
    client = contract_client(checked.base_url, httpx.MockTransport(handler))
    return TrackingMoreAdapter(checked, client, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


def push(stamp: str, signature: str, *, after: float = 0, proven: bool = True, body: bytes = b"{}") -> Push:
    received = datetime.fromtimestamp(int(stamp), tz=UTC) + timedelta(seconds=after)
    headers = {"timestamp": stamp, "signature": signature}
    return Push(headers=headers, token="-" if proven else None, body=body, received_at=received)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_the_time_stamp_is_signed_as_the_vectors_say(vector: dict[str, Any]) -> None:
    stamp, signature, secret = (
        vector["inputs"]["timestamp"],
        vector["expected"]["signature"],
        vector["inputs"]["secret"],
    )
    speaks = adapter(nobody, webhook_secret=secret)
    speaks.verify(push(stamp, signature))
    adapter(nobody, previous_webhook_secret=secret).verify(push(stamp, signature))
    for forged in (
        push(stamp, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        push(stamp, signature.upper()),
        push(stamp, ""),
        push(str(int(stamp) + 1), signature),
        push(stamp, signature, proven=False),
    ):
        with pytest.raises(BadSignature):
            speaks.verify(forged)


@pytest.mark.parametrize(("after", "fresh"), [(-300, True), (300, True), (-301, False), (301, False), (86400, False)])
def test_an_old_signature_opens_nothing(after: float, fresh: bool) -> None:
    vector = VECTORS[1]
    speaks = adapter(nobody, webhook_secret=vector["inputs"]["secret"])
    late = push(vector["inputs"]["timestamp"], vector["expected"]["signature"], after=after)
    if fresh:
        speaks.verify(late)
    else:
        with pytest.raises(BadSignature, match="from now"):
            speaks.verify(late)


def test_header_names_are_settings() -> None:
    vector = VECTORS[1]
    headers = {"x-tm-time": vector["inputs"]["timestamp"], "x-tm-sign": vector["expected"]["signature"]}
    named = adapter(nobody, timestamp_header="x-tm-time", signature_header="x-tm-sign")
    named.verify(Push(headers=headers, token="-", received_at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_push_names_a_number_and_proves_nothing() -> None:
    genuine = Push(body=SHEET["body"].encode())
    assert adapter(nobody).receive(genuine) == []
    assert adapter(nobody).hints(genuine) == [("china-post", "RR123456789CN")]
    with pytest.raises(BadPayload):
        adapter(nobody).receive(Push(body=b'{"event":"TRACKING_UPDATED","data":[]}'))


async def test_couriers_that_want_a_phone_get_its_last_digits() -> None:
    bodies: list[dict[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"meta": {"code": 200}, "data": {}})

    await adapter(handler, phone_field="tracking_key").subscribe(LEG)
    assert bodies[0]["tracking_key"] == "5514"


async def test_codes_of_v4_are_settings() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"meta": {"code": 4199, "message": "no"}, "data": []})

    with pytest.raises(Refused) as no:
        await adapter(handler).poll([LEG])
    assert (no.value.code, no.value.config) == ("4199", False)
    assert await adapter(handler, absent_codes=("4199",)).poll([LEG]) == []
    await adapter(handler, exists_codes=("4199",)).subscribe(LEG)
    with pytest.raises(Refused) as mends:
        await adapter(handler, config_codes=("4199",)).poll([LEG])
    assert mends.value.config


async def test_a_pause_that_was_named_is_kept() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "7"}, json={"meta": {"code": 429}})

    with pytest.raises(Unavailable) as busy:
        await adapter(handler).poll([LEG])
    assert busy.value.retry_after == 7


async def test_a_list_that_never_ends_is_no_answer() -> None:
    tracking = {"tracking_number": "N1", "courier_code": "china-post", "delivery_status": "pending"}

    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"meta": {"code": 200}, "data": [tracking] * 100})

    with pytest.raises(BadPayload, match="still full"):
        await adapter(endless).poll([LEG])
