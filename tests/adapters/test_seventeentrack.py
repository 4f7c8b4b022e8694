"""17TRACK: the sheet's vectors, and what its samples cannot show."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.seventeentrack import SeventeenTrackAdapter
from adapters.seventeentrack.settings import SeventeenTrackSettings
from adapters.seventeentrack.statuses import STATUSES
from adapters.seventeentrack.wire import sign_v1, sign_v2
from gateway.contract import BadSignature, Push, Refused, Unavailable
from gateway.contract.client import contract_client
from gateway.domain import LegRef

SAMPLES = Path(__file__).parent.parent / "samples" / "seventeentrack"
VECTORS: dict[str, dict[str, Any]] = {
    vector["name"]: vector for vector in json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))
}
KEY = "0123456789ABCDEF0123456789ABCDEF"


def adapter(handler: Any, **given: Any) -> SeventeenTrackAdapter:
    checked = SeventeenTrackSettings(base_url="https://seventeentrack.test", **{"access_key": KEY, **given})
    client = contract_client(checked.base_url, httpx.MockTransport(handler))
    return SeventeenTrackAdapter(checked, client, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC))


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


class Vendor:
    """A stand-in that knows which numbers are registered, and refuses some with a code."""

    def __init__(self, *registered: str, refuses: dict[str, int] | None = None) -> None:
        self.registered = set(registered)
        self.refuses = refuses or {}
        self.calls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, items = request.url.path, json.loads(request.content)
        self.calls.append(f"{path} {' '.join(item['number'] for item in items)}")
        judged = [(item["number"], self._judged(path, item["number"])) for item in items]
        accepted = [self._item(number) for number, code in judged if code == 0]
        rejected = [{"number": number, "error": {"code": code, "message": "no"}} for number, code in judged if code]
        return httpx.Response(200, json={"code": 0, "data": {"accepted": accepted, "rejected": rejected}})

    def _judged(self, path: str, number: str) -> int:
        if path == "/gettrackinfo":
            return 0 if number in self.registered else -18019902
        if code := self.refuses.get(number, -18019901 if number in self.registered else 0):
            return code
        self.registered.add(number)
        return 0

    def _item(self, number: str) -> dict[str, Any]:
        event = {"time_utc": "2026-01-14T08:00:00Z", "sub_status": "InTransit_Other", "description": number}
        latest = {"status": "InTransit", "sub_status": "InTransit_Other"}
        way = {"latest_status": latest, "tracking": {"providers": [{"events": [event]}]}}
        return {"number": number, "carrier": 3011, "track_info": way}


def leg(number: str, **more: Any) -> LegRef:
    return LegRef(carrier="china_post", tracking_number=number, company="3011", **more)


def test_a_push_of_version_2_is_verified_as_the_vector_says() -> None:
    given, expected = VECTORS["push_sign_v2"]["inputs"], VECTORS["push_sign_v2"]["expected"]["sign"]
    body = given["body"].encode()
    assert sign_v2(body, given["key"]) == expected
    adapter(nobody).verify(Push(headers={"sign": expected}, body=body))
    adapter(nobody, access_key="another", previous_access_key=KEY).verify(Push(headers={"sign": expected}, body=body))
    for push in (
        Push(headers={"sign": expected}, body=body + b" "),
        Push(headers={"sign": expected.upper()}, body=body),
    ):
        with pytest.raises(BadSignature):
            adapter(nobody).verify(push)


def test_a_push_of_version_1_is_verified_as_the_vector_says() -> None:
    given, expected = VECTORS["push_sign_v1"]["inputs"], VECTORS["push_sign_v1"]["expected"]["sign"]
    bodies = [
        f'{{"sign":"{expected}","event":"{given["event"]}","data":{given["data_json"]}}}',
        f' {{ "event" : "{given["event"]}" , "data" : {given["data_json"]} , "sign" : "{expected}" }} ',
    ]
    for body in bodies:
        assert sign_v1(body.encode(), given["key"]) == (expected, expected)
        adapter(nobody).verify(Push(body=body.encode()))
        assert adapter(nobody).receive(Push(body=body.encode())) == []


@pytest.mark.parametrize(
    "data", ['{"number": "A"}', '{"number":"\\u0041","x":[{"y":"}"}]}', '"text"', "[1,2]", "1.50", "null"]
)
def test_version_1_signs_the_text_of_data_as_it_stands(data: str) -> None:
    sign = hashlib.sha256(f"E/{data}/{KEY}".encode()).hexdigest()
    adapter(nobody).verify(Push(body=f'{{"x":{{"data":1}},"event":"E","data":{data},"sign":"{sign}"}}'.encode()))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"event":"E"}', b'{"event":"E","data":{},"sign":""}', b'{"event":"E","data":{},"sign":7}'],
)
def test_without_a_sign_nothing_is_believed(body: bytes) -> None:
    for headers in ({}, {"sign": ""}):
        with pytest.raises(BadSignature):
            adapter(nobody).verify(Push(headers=headers, body=body))


async def test_what_is_missing_is_registered_once_and_read() -> None:
    vendor = Vendor("RR1")
    speaks = adapter(vendor)
    first = await speaks.poll([leg("RR1"), leg("RR2"), leg("RR3")])
    second = await speaks.poll([leg("RR1"), leg("RR2"), leg("RR3")])
    assert [scan.text for scan in first] == ["RR1", "RR2", "RR3"] == [scan.text for scan in second]
    assert vendor.calls == [
        "/gettrackinfo RR1 RR2 RR3",
        "/register RR2 RR3",
        "/gettrackinfo RR2 RR3",
        "/gettrackinfo RR1 RR2 RR3",
    ]


async def test_what_one_number_is_refused_is_said_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    vendor = Vendor("RR1", refuses={"RR2": -18019903})
    with caplog.at_level(logging.WARNING):
        assert [scan.text for scan in await adapter(vendor).poll([leg("RR1"), leg("RR2")])] == ["RR1"]
    assert "17TRACK refuses RR2: -18019903" in caplog.text
    with pytest.raises(Refused) as no:
        await adapter(vendor).poll([leg("RR2")])
    assert (no.value.code, no.value.config) == ("-18019903", False)


async def test_of_several_refusals_the_one_about_the_account_is_raised() -> None:
    both = {"RR1": -18019903, "RR2": -18010004}
    with pytest.raises(Refused) as no:
        await adapter(Vendor(refuses=both)).poll([leg("RR1"), leg("RR2")])
    assert no.value.config
    with pytest.raises(Unavailable) as later:
        await adapter(Vendor(refuses={"RR1": -18019903, "RR2": -18019908}), quota_pause=60).poll(
            [leg("RR1"), leg("RR2")]
        )
    assert later.value.retry_after == 60


async def test_registering_twice_is_harmless() -> None:
    vendor = Vendor()
    await adapter(vendor).subscribe(leg("RR1"))
    await adapter(vendor).subscribe(leg("RR1"))
    assert vendor.registered == {"RR1"}


def test_the_table_is_whole() -> None:
    listed = [word for word in STATUSES if "_" in word or word == "InfoReceived"]
    assert len(listed) + len({"NotFound_Other", "NotFound_InvalidCode"}) == 30
