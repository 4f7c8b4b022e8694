"""J&T's signature vectors: the header digest of a call, the inner digest of an order, the digest of a push."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.jtexpress import JtexpressAdapter
from gateway.contract import BadSignature, Can, Push
from gateway.contract.client import contract_client
from gateway.contract.reading import form
from gateway.domain import LegRef

_FOLDER = Path(__file__).parents[1] / "samples" / "jtexpress"
_VECTORS = {vector["name"]: vector for vector in json.loads((_FOLDER / "vectors.json").read_text(encoding="utf-8"))}


def _adapter(answer: dict[str, Any], asked: list[httpx.Request], **settings: Any) -> JtexpressAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=answer)

    base = "https://openapi.jtexpress.com.cn/webopenplatformapi/api"
    read = JtexpressAdapter.Settings.model_validate({"base_url": base, "api_account": "demo", **settings})
    return JtexpressAdapter(read, contract_client(base, httpx.MockTransport(say)))


def _said(request: httpx.Request) -> str:
    return form(request.content)["bizContent"]


async def test_header_digest() -> None:
    vector, asked = _VECTORS["header_digest"], list[httpx.Request]()
    adapter = _adapter({"code": "1", "data": []}, asked, private_key=vector["inputs"]["privateKey"])
    await adapter.poll([LegRef(carrier="jtexpress", tracking_number="JT0000000000001")])
    assert asked[0].url.path == "/webopenplatformapi/api/logistics/trace"
    assert _said(asked[0]) == vector["inputs"]["bizContent"]
    assert asked[0].headers["digest"] == vector["expected"]["digest"]
    assert asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_inner_digest() -> None:
    vector, asked = _VECTORS["inner_digest"], list[httpx.Request]()
    given = vector["inputs"]
    settings = {"customer_code": given["customerCode"], "customer_password": given["password"]}
    adapter = _adapter({"code": "1", "data": []}, asked, private_key=given["privateKey"], **settings)
    assert await adapter.find_booking("SO-1") is None
    said = json.loads(_said(asked[0]))
    assert (said["customerCode"], said["digest"]) == (given["customerCode"], vector["expected"]["digest"])


def test_push_digest() -> None:
    vector = _VECTORS["push_digest"]
    adapter = _adapter({}, [], private_key=vector["inputs"]["privateKey"])
    body = str(httpx.QueryParams({"bizContent": vector["inputs"]["bizContent"]})).encode()
    adapter.verify(Push(headers={"digest": vector["expected"]["digest"]}, body=body))
    with pytest.raises(BadSignature):
        adapter.verify(Push(headers={"digest": vector["expected"]["digest"]}, body=body.replace(b"SO-1", b"SO-2")))


def test_an_account_without_a_customer_tracks_only() -> None:
    adapter = _adapter({}, [], private_key="made-up")
    assert adapter.able(adapter.settings) == Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
