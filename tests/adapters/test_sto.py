"""What samples cannot show of 申通: the sheet's vectors, pushes as bytes, who signed after a return, small accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from adapters.sto import StoAdapter
from adapters.sto.settings import StoSettings
from gateway.contract import BadSignature, Can, Outcome, Push, Verdict
from gateway.contract.client import contract_client
from gateway.contract.reading import form
from gateway.contract.signing import md5_base64
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "sto"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SECRET = b"demoStoSecret0001"
NUMBER = "773000000000001"
ACCOUNT: dict[str, Any] = {
    "order_source": "DEMO",
    "site_code": "666666",
    "customer_name": "666666000001",
    "site_pwd": "made-up",
}


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> StoAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json={"success": "true", "data": {}})

    given = {"base_url": "https://sto.test", "from_appkey": "demoAppKey", "secret_key": SECRET.decode(), **settings}
    read = StoSettings.model_validate(given)
    return StoAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(content: bytes, digest: str | None = None) -> Push:
    signed = md5_base64(content + SECRET) if digest is None else digest
    fields = {"content": content, "data_digest": signed.encode(), "api_name": b"STO_TRACE_PLATFORM_PUSH"}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def event(kind: str, at: str, **more: str) -> Push:
    trace = {"opTime": at, "scanType": kind, **more}
    return push(json.dumps({"waybillNo": NUMBER, "trace": trace}, ensure_ascii=False).encode())


def folded(*pushes: Push) -> tuple[Status, bool]:
    state = fold_scans(scan for one in pushes for scan in adapter().receive(one))
    return state.status, state.inferred


async def test_a_query_is_signed_as_the_sheet_signs_it() -> None:
    vector, asked = VECTORS["query_digest"], list[httpx.Request]()
    assert await adapter(asked).poll([LegRef(carrier="sto", tracking_number=NUMBER)]) == []
    fields = form(asked[0].content)
    assert fields["content"] == vector["inputs"]["content"]
    assert fields["data_digest"] == vector["expected"]["data_digest"]
    assert fields["from_code"] == "demoAppKey"


def test_a_push_is_verified_as_the_sheet_signs_it() -> None:
    vector = VECTORS["push_digest"]
    content = vector["inputs"]["content"].encode()
    adapter().verify(push(content, vector["expected"]["data_digest"]))
    with pytest.raises(BadSignature):
        adapter().verify(push(content + b" ", vector["expected"]["data_digest"]))


def test_a_push_is_verified_over_its_bytes_even_if_they_are_no_utf8() -> None:
    adapter().verify(push('{"waybillNo":"773000000000001","memo":"已到达"}'.encode("gbk")))


def test_signed_after_a_return_is_returned_and_inferred_unless_a_text_names_who_signed() -> None:
    back, at = event("退回件", "2026-03-05 08:00:00"), "2026-03-06 08:00:00"
    assert folded(event("签收", at, memo="已签收"), back) == (Status.RETURNED, True)
    assert folded(back, event("签收", at, memo="退回签收")) == (Status.RETURNED, False)
    assert folded(back, event("签收", at, signoffPeople="收件人")) == (Status.DELIVERED, False)
    assert folded(event("签收", at, memo="已签收")) == (Status.DELIVERED, False)


def test_what_an_account_can_do_follows_from_its_settings() -> None:
    reads = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.INTERCEPT
    able = {
        "tracking": adapter().settings,
        "no branch": adapter(order_source="DEMO").settings,
        "all": adapter(**ACCOUNT).settings,
    }
    assert {name: StoAdapter.able(settings) for name, settings in able.items()} == {
        "tracking": reads,
        "no branch": reads | Can.CANCEL,
        "all": StoAdapter.can,
    }


@pytest.mark.parametrize("verdict", [Verdict.FORGED, Verdict.BUSY])
def test_no_asks_for_the_push_again(verdict: Verdict) -> None:
    answer = json.loads(adapter().acknowledge(Outcome(verdict=verdict, push=Push())).body)
    assert (answer["success"], answer["errorCode"], answer["needRetry"]) == (False, "B500", "true")
