"""What samples cannot show of 德邦: the sheet's vectors, pushes as bytes, its three hosts, small accounts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from adapters.deppon import DepponAdapter
from adapters.deppon.settings import DepponSettings
from gateway.contract import BadSignature, Can, Push
from gateway.contract.client import contract_client
from gateway.contract.signing import md5_hex_base64
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "deppon"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
APPKEY, STAMP, NUMBER = b"demoDepponAppkey01", b"1767225600000", "DPK000000000001"
LEG = LegRef(carrier="deppon", tracking_number=NUMBER, reference="DMO1")


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> DepponAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json={"result": True, "resultCode": "1000", "responseParam": None})

    given = {"base_url": "https://deppon.test", "company_code": "DEMO", "appkey": APPKEY.decode()}
    read = DepponSettings.model_validate(given | settings)
    return DepponAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(params: bytes, digest: str | None = None) -> Push:
    signed = md5_hex_base64(params + APPKEY + STAMP) if digest is None else digest
    fields = {"companyCode": b"DEMO", "params": params, "timestamp": STAMP, "digest": signed.encode()}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def event(status: str, at: str) -> Push:
    traces = [{"time": at, "status": status}]
    said = {"track_list": [{"tracking_number": NUMBER, "trace_list": traces}]}
    return push(json.dumps(said).encode())


@pytest.mark.parametrize("name", ["query_digest", "push_digest"])
def test_a_push_is_verified_as_the_sheet_signs_it(name: str) -> None:
    given, expected = VECTORS[name]["inputs"], VECTORS[name]["expected"]["digest"]
    assert given["timestamp"].encode() == STAMP
    adapter().verify(push(given["params"].encode(), expected))
    with pytest.raises(BadSignature):
        adapter().verify(push(given["params"].encode() + b" ", expected))


def test_a_push_is_verified_over_its_bytes_and_its_time() -> None:
    genuine = push('{"track_list":[],"x":"已到达"}'.encode("gbk"))
    adapter().verify(genuine)
    for change in ((STAMP, b"1767225600001"), (b"params=", b"param="), (b"timestamp=", b"time=")):
        with pytest.raises(BadSignature):
            adapter().verify(replace(genuine, body=genuine.body.replace(*change)))


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        (
            {"order_base_url": "https://orders.deppon.test"},
            [
                "https://deppon.test/dop-interface-sync/standard-query/newTraceQuery.action",
                "https://orders.deppon.test/dop-interface-async/standard-order/cancelOrder.action",
            ],
        ),
        (
            {"sandbox": True, "base_url": "http://sandbox.deppon.test/sandbox-web"},
            [
                "http://sandbox.deppon.test/sandbox-web/standard-order/newTraceQuery.action",
                "http://sandbox.deppon.test/sandbox-web/standard-order/cancelOrder.action",
            ],
        ),
    ],
    ids=["production", "sandbox"],
)
async def test_orders_have_a_host_of_their_own_but_in_the_sandbox(settings: Any, addresses: list[str]) -> None:
    asked: list[httpx.Request] = []
    deppon = adapter(asked, **settings)
    await deppon.poll([LEG])
    await deppon.cancel(LEG)
    assert [str(request.url) for request in asked] == addresses


def test_a_word_of_its_own_for_a_signed_return_makes_signed_the_recipients() -> None:
    told = [event("FAILED", "2026-03-05 08:00:00"), event("BACK_SIGNED", "2026-03-06 08:00:00")]
    assert fold_scans(scan for one in told for scan in adapter().receive(one)).status is Status.RETURNED
    assert adapter().receive(event("SIGNED", "2026-03-06 08:00:00"))[0].confirmed


def test_booking_needs_the_customer_and_the_prefix() -> None:
    assert DepponAdapter.able(adapter(customer_code="4").settings) == DepponAdapter.can & ~Can.BOOK
    assert DepponAdapter.able(adapter(customer_code="4", order_prefix="DMO").settings) == DepponAdapter.can
