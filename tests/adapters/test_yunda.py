"""What samples cannot show of 韵达: the sheet's vector, the likeliest sign of pushes, small accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.yunda import YundaAdapter
from adapters.yunda.settings import YundaSettings
from gateway.contract import BadSignature, Can, Push
from gateway.contract.client import contract_client
from gateway.contract.signing import compact, md5_hex
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "yunda"
(VECTOR,) = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
SECRET = "demoYundaSecret01"
NUMBER = "310000000000001"
ACCOUNT: dict[str, Any] = {"partner_id": "1000001", "partner_secret": "made-up"}


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> YundaAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        row = {"order_serial_no": "theirs", "status": "1", "steps": []}
        return httpx.Response(
            200, json={"result": True, "code": "0000", "data": [row] if "Bm" in str(request.url) else row}
        )

    given = {"base_url": "https://yunda.test", "app_key": "999999", "app_secret": SECRET}
    read = YundaSettings.model_validate(given | settings)
    return YundaAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(action: str, at: str, *, sign: str | None = None, on_path: bool = True) -> Push:
    data = compact({"mailno": NUMBER, "action": action, "time": at})
    signed = md5_hex(f"{data}_{SECRET}") if sign is None else sign
    return Push(
        body=compact({"data": data, "appKey": "999999", "sign": signed}).encode(), token="on-path" if on_path else None
    )


async def test_a_call_is_signed_as_the_sheet_signs_it() -> None:
    asked: list[httpx.Request] = []
    await adapter(asked).poll([LegRef(carrier="yunda", tracking_number=NUMBER)])
    assert asked[0].content.decode() == VECTOR["inputs"]["body"]
    assert asked[0].headers["sign"] == VECTOR["expected"]["sign"]


def test_a_sign_that_is_asked_for_is_checked_besides_the_path() -> None:
    genuine, checked = push("GOT", "2026-03-05 08:00:00"), adapter(push_sign="md5")
    checked.verify(genuine)
    bare = Push(body=compact({"mailno": NUMBER, "action": "GOT"}).encode(), token="made-up-token-0001")
    forged = [push("GOT", "2026-03-05 08:00:00", sign=sign) for sign in ("", "x", "签", md5_hex("x"))]
    for one in [*forged, push("GOT", "2026-03-05 08:00:00", on_path=False), bare, Push(body=b"\xff", token="t")]:
        with pytest.raises(BadSignature):
            checked.verify(one)
    adapter().verify(forged[0])


def test_signed_after_a_return_is_returned_and_inferred() -> None:
    told = [push("SIGNED", "2026-03-06 08:00:00"), push("RETURN", "2026-03-05 08:00:00")]
    state = fold_scans(scan for one in told for scan in adapter().receive(one))
    assert (state.status, state.inferred) == (Status.RETURNED, True)


def test_orders_need_the_branch_account() -> None:
    assert YundaAdapter.able(adapter().settings) == Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    assert YundaAdapter.able(adapter(**ACCOUNT).settings) == YundaAdapter.can


async def test_a_leg_without_a_reference_is_cancelled_by_its_waybill() -> None:
    asked: list[httpx.Request] = []
    await adapter(asked, **ACCOUNT).cancel(LegRef(carrier="yunda", tracking_number=NUMBER))
    assert json.loads(asked[0].content)["orders"] == [{"mailno": NUMBER}]
