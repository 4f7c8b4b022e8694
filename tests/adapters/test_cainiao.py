"""What samples cannot show of 菜鸟: the sheet's vectors, another layout by settings, returns, small accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from adapters.cainiao import CainiaoAdapter
from adapters.cainiao.settings import CainiaoSettings
from gateway.contract import BadSignature, Can, Outcome, Push, Verdict
from gateway.contract.client import contract_client
from gateway.contract.reading import form
from gateway.contract.signing import md5_base64
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "cainiao"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SECRET, NUMBER = b"demoCainiaoSecret01", "CN0000000000001"
LEG = LegRef(carrier="cainiao", tracking_number=NUMBER)


def adapter(answer: Any = None, asked: list[httpx.Request] | None = None, **settings: Any) -> CainiaoAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json=answer or {"success": "true", "operationDetails": []})

    given = {"base_url": "https://cainiao.test", "logistic_provider_id": "DEMO", "secret_key": SECRET.decode()}
    read = CainiaoSettings.model_validate(given | settings)
    return CainiaoAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(content: bytes, digest: str | None = None) -> Push:
    signed = md5_base64(content + SECRET) if digest is None else digest
    fields = {"logistics_interface": content, "data_digest": signed.encode()}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def event(code: str, at: str) -> Push:
    return push(json.dumps({"mailNo": NUMBER, "status": code, "operateTime": at}).encode())


async def test_a_query_is_signed_as_the_sheet_signs_it() -> None:
    asked: list[httpx.Request] = []
    await adapter(asked=asked).poll([LEG])
    fields, vector = form(asked[0].content), VECTORS["query_digest"]
    assert fields["logistics_interface"] == vector["inputs"]["logistics_interface"]
    assert fields["data_digest"] == vector["expected"]["data_digest"]


def test_a_push_is_verified_as_the_sheet_signs_it() -> None:
    vector = VECTORS["push_digest"]
    content, digest = vector["inputs"]["logistics_interface"].encode(), vector["expected"]["data_digest"]
    adapter().verify(push(content, digest))
    with pytest.raises(BadSignature):
        adapter().verify(push(content + b" ", digest))
    adapter().verify(push('{"mailNo":"已到达"}'.encode("gbk")))


async def test_another_message_type_is_read_by_its_own_names() -> None:
    asked: list[httpx.Request] = []
    names = {"events_field": "traces", "code_field": "action", "time_field": "time", "text_field": "desc"}
    there = {"trace_type": "TMS_PRACTICE_TRACE_INFO", "trace_url": "https://edi.cainiao.test/ext/gateway/x/api"}
    told = {"success": True, "traces": [{"action": "STA_INBOUND", "time": "2026-03-05 08:00:00", "desc": "已入库"}]}
    (scan,) = await adapter(told, asked, **names, **there, number_field="waybillCode").poll([LEG])
    assert (scan.status, scan.text) == (Status.AVAILABLE_FOR_PICKUP, "已入库")
    assert str(asked[0].url) == there["trace_url"]
    assert form(asked[0].content)["msg_type"] == there["trace_type"]
    assert json.loads(form(asked[0].content)["logistics_interface"]) == {"waybillCode": NUMBER}


@pytest.mark.parametrize(("signed", "status"), [("07", "delivered"), ("11", "returned"), ("SIGN", "returned")])
def test_who_signed_after_a_return(signed: str, status: str) -> None:
    told = [event("08", "2026-03-05 08:00:00"), event(signed, "2026-03-06 08:00:00")]
    assert fold_scans(scan for one in told for scan in adapter().receive(one)).status == status


def test_waybills_need_a_company_and_a_template() -> None:
    reads = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    assert CainiaoAdapter.able(adapter().settings) == reads
    assert CainiaoAdapter.able(adapter(cp_code="CNSD").settings) == reads | Can.CANCEL
    assert CainiaoAdapter.able(adapter(cp_code="CNSD", template_url="https://x.test").settings) == CainiaoAdapter.can


def test_what_could_not_be_kept_is_asked_for_again() -> None:
    reply = adapter().acknowledge(Outcome(verdict=Verdict.BUSY, push=Push()))
    assert json.loads(reply.body) == {"success": "false", "errorCode": "S07", "errorMsg": "busy"}
