"""What samples cannot show of 快递鸟: the sheet's vectors, pushes as bytes, what a row without a company may do."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from adapters.kdniao import KdniaoAdapter
from adapters.kdniao.settings import KdniaoSettings
from gateway.contract import BadSignature, Can, Outcome, Push, Refused, Verdict
from gateway.contract.client import contract_client
from gateway.contract.reading import form
from gateway.contract.signing import md5_hex
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "kdniao"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
APP_KEY = VECTORS["push_datasign"]["inputs"]["AppKey"]
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LEG = LegRef(carrier="zto", tracking_number="73100000000001", company="ZTO", phone="+8613800005514")


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> KdniaoAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json={"Success": True, "Traces": []})

    given = {"base_url": "https://kdniao.test", "ebusiness_id": "1000001", "app_key": APP_KEY, **settings}
    read = KdniaoSettings.model_validate(given)
    return KdniaoAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)), clock=lambda: NOON)


def push(data: bytes, sign: str, kind: str = "102") -> Push:
    fields = {"RequestData": data, "RequestType": kind.encode(), "DataSign": sign.encode()}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def signed(data: bytes, kind: str = "102") -> Push:
    return push(data, b64encode(md5_hex(data + APP_KEY.encode()).encode()).decode(), kind)


async def test_a_query_is_signed_as_the_sheet_signs_it() -> None:
    vector, asked = VECTORS["query_datasign"], list[httpx.Request]()
    assert await adapter(asked).poll([LEG]) == []
    fields = form(asked[0].content)
    assert asked[0].url.path == "/Ebusiness/EbusinessOrderHandle.aspx"
    assert fields["RequestData"] == vector["inputs"]["RequestData"]
    assert fields["DataSign"] == vector["expected"]["DataSign"]
    assert md5_hex(vector["inputs"]["RequestData"] + vector["inputs"]["AppKey"]) == vector["expected"]["md5_hex"]


def test_a_push_is_verified_as_the_sheet_signs_it() -> None:
    vector = VECTORS["push_datasign"]
    data = vector["inputs"]["RequestData"].encode()
    adapter().verify(push(data, vector["expected"]["DataSign"]))
    with pytest.raises(BadSignature):
        adapter().verify(push(data.replace(b'"205"', b'"301"'), vector["expected"]["DataSign"]))


def test_a_push_is_verified_over_its_bytes_even_if_they_are_no_utf8() -> None:
    adapter().verify(signed('{"EBusinessID":"1000001","Reason":"到达"}'.encode("gbk")))


async def test_the_sandbox_has_one_address_for_all() -> None:
    asked = list[httpx.Request]()
    await adapter(asked, sandbox=True, query_type="1002").poll([LEG])
    await adapter(asked, sandbox=True, subscribe_type="1008").subscribe(LEG)
    assert {request.url.path for request in asked} == {"/kdniaosandbox/gateway/exterfaceInvoke.json"}
    assert [form(request.content)["RequestType"] for request in asked] == ["1002", "1008"]


async def test_pickup_orders_have_numbers_and_an_address_of_their_own() -> None:
    asked = list[httpx.Request]()
    await adapter(asked, order_type="1001", company="STO").cancel(LEG)
    assert (asked[0].url.path, form(asked[0].content)["RequestType"]) == ("/api/OOrderService", "1004")


async def test_a_row_without_a_company_reads_by_alias_and_books_nothing() -> None:
    kdniao = adapter()
    assert kdniao.able(kdniao.settings) == Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.CANCEL
    with pytest.raises(Refused, match="company"):
        await kdniao.poll([LegRef(carrier="new", tracking_number="1")])


def test_a_state_of_the_basic_plan_stays_with_the_trace_it_was_told_of() -> None:
    first, second, third = (
        {"AcceptTime": f"2026-03-0{day} 08:00:00", "AcceptStation": said}
        for day, said in ((1, "揽收"), (2, "签收"), (3, "感谢"))
    )
    told = [
        {"ShipperCode": "ZTO", "LogisticCode": "1", "Success": True, "State": state, "Traces": traces}
        for state, traces in (("1", [first]), ("3", [second, first]), ("3", [first, second, third]))
    ]
    data = json.dumps({"EBusinessID": "1000001", "Count": "3", "Data": told}, ensure_ascii=False).encode()
    state = fold_scans(adapter().receive(signed(data, "101")))
    assert (state.status, state.delivered_at) == (Status.DELIVERED, datetime.fromisoformat("2026-03-02T08:00:00+08:00"))


@pytest.mark.parametrize("verdict", [Verdict.FORGED, Verdict.BUSY])
def test_no_asks_for_the_push_again(verdict: Verdict) -> None:
    answer = json.loads(adapter().acknowledge(Outcome(verdict=verdict, push=Push())).body)
    assert (answer["EBusinessID"], answer["UpdateTime"], answer["Success"]) == ("1000001", "2026-03-05 20:00:00", False)
    assert answer["Reason"]
