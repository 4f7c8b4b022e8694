"""What samples cannot show of 京东物流: the sheet's vectors, tokens that are replaced, tokens that are not logged."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.jd import JdAdapter
from adapters.jd.settings import JdSettings
from adapters.jd.wire import signature
from gateway.contract import Refused
from gateway.contract.client import contract_client
from gateway.domain import LegRef

FOLDER = Path(__file__).parent.parent / "samples" / "jd"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SHEET_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # 08:00 in Beijing
LEG = LegRef(carrier="jd", tracking_number="JDVE00000000001", phone="+8613800005514")
NOTHING = {"code": 0, "success": True, "data": {"traceDetails": []}}
BAD_TOKEN = {"error_response": {"code": "19", "zh_desc": "令牌无效", "en_desc": "invalid token"}}


class Jd:
    """JD's side: it takes one token, and gives that one for the refresh token it waits for."""

    def __init__(self, token: str, refreshes: list[str] | None = None, answer: dict[str, Any] | None = None) -> None:
        self.token = token
        self.refreshes = refreshes or []
        self.answer = answer or NOTHING
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == "oauth.jdl.com":
            return httpx.Response(200, json=self._refresh(request.url.params["refresh_token"]))
        good = request.url.params["access_token"] == self.token
        return httpx.Response(200, json=self.answer if good else BAD_TOKEN)

    def _refresh(self, given: str) -> dict[str, Any]:
        if not self.refreshes or given != self.refreshes.pop(0):
            return {"code": 1004, "message": "refresh_token 无效", "data": None}
        granted = {"accessToken": self.token, "refreshToken": f"after {given}", "accessExpire": "2026-12-05 11:56:17"}
        return {"code": 1000, "message": "success", "data": granted}


def adapter(jd: Jd, **settings: Any) -> JdAdapter:
    given = {"base_url": "https://jd.test", "customer_code": "010K000001", "app_key": "demoAppKey0001"}
    given |= {"app_secret": "demoAppSecret0001", "access_token": "demoToken0001", **settings}
    read = JdSettings.model_validate(given)
    return JdAdapter(read, contract_client(read.base_url, httpx.MockTransport(jd)), clock=lambda: SHEET_DAY)


@pytest.mark.parametrize("name", ["lop_md5_salt", "lop_hmac_sha256"])
async def test_a_call_is_signed_as_the_sheet_signs_it(name: str) -> None:
    inputs, jd = VECTORS[name]["inputs"], Jd("demoToken0001")
    assert await adapter(jd, algorithm=inputs["algorithm"]).poll([LEG]) == []
    request, query = jd.asked[0], dict(jd.asked[0].url.params)
    assert request.content.decode() == inputs["param_json"]
    assert (request.url.path, request.headers["lop-tz"]) == (inputs["method"], "8")
    assert query["timestamp"] == inputs["timestamp"]
    assert query["sign"] == VECTORS[name]["expected"]["sign"]


@pytest.mark.parametrize("algorithm", ["HMacMD5", "HMacSHA1", "HMacSHA512"])
def test_every_algorithm_signs(algorithm: str) -> None:
    assert len(signature("s", algorithm, {"a": "b"})) in {24, 28, 88}


async def test_the_standard_query_asks_by_reference_and_phone_and_knows_another_yes() -> None:
    jd = Jd("demoToken0001", answer={**NOTHING, "code": 1000})
    assert await adapter(jd, query="standard").poll([LEG]) == []
    assert (jd.asked[0].url.path, jd.asked[0].url.params["LOP-DN"]) == ("/jd/tracking/query", "Tracking_JD")
    asked = {"referenceNumber": "JDVE00000000001", "referenceType": 20000, "phone": "5514"}
    assert json.loads(jd.asked[0].content) == [asked]


async def test_a_refused_token_is_replaced_and_so_is_the_refresh_token() -> None:
    jd = Jd("fresh", ["first", "after first"])
    jdl = adapter(jd, refresh_token="first")
    assert await jdl.poll([LEG]) == []
    refresh = jd.asked[1].url.params
    signed = {"app_key": "demoAppKey0001", "refresh_token": "first", "timestamp": "2026-01-01 08:00:00"}
    assert refresh["sign"] == signature("demoAppSecret0001", "md5-salt", signed)
    jd.token = "fresher"
    assert await jdl.poll([LEG]) == []
    tokens = [request.url.params.get("access_token", "refreshed") for request in jd.asked]
    assert tokens == ["demoToken0001", "refreshed", "fresh", "fresh", "refreshed", "fresher"]


async def test_a_token_is_replaced_before_it_ends() -> None:
    jd = Jd("fresh", ["first", "after first"])
    now = [SHEET_DAY]
    jdl = adapter(jd, refresh_token="first")
    jdl.clock = lambda: now[0]
    await jdl.poll([LEG])
    now[0] = datetime(2026, 12, 5, 3, 56, tzinfo=UTC)  # 11:56:00 in Beijing
    await jdl.poll([LEG])
    assert [request.url.host for request in jd.asked].count("oauth.jdl.com") == 2


async def test_a_refresh_token_that_is_refused_calls_a_person() -> None:
    with pytest.raises(Refused) as raised:
        await adapter(Jd("fresh"), refresh_token="stale").poll([LEG])
    assert (raised.value.config, raised.value.code) == (True, "1004")


async def test_tokens_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "httpx")
    await adapter(Jd("granted", ["renewing"]), refresh_token="renewing").poll([LEG])
    assert "jd.test" in caplog.text
    assert not any(token in caplog.text for token in ("demoToken0001", "granted", "renewing"))
