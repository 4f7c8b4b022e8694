"""What samples cannot show of 圆通: the sheet's vectors, one secret per interface, older addresses, small accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
from pydantic import ValidationError

from adapters.yto import YtoAdapter
from adapters.yto.settings import Interface, YtoSettings
from adapters.yto.wire import signed
from gateway.contract import BadSignature, Can, Push
from gateway.contract.client import contract_client
from gateway.contract.reading import form
from gateway.contract.signing import md5_base64
from gateway.domain import LegRef, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "yto"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SECRET = b"demoYtoPushSecret"
NUMBER = "YT1234567890123"
LEG = LegRef(carrier="yto", tracking_number=NUMBER, reference="case-7")


def face(name: str, **more: str) -> dict[str, str]:
    return {"url": f"/open/{name}/v1/DEMO/{name[:3]}", "secret": f"secret-of-{name}", **more}


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> YtoAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json={"success": "true", "map": {}, "mailNo": NUMBER})

    given = {"base_url": "https://yto.test", "track": face("track_query_adapter"), "push_secret": SECRET.decode()}
    read = YtoSettings.model_validate(given | settings)
    return YtoAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(content: bytes) -> Push:
    fields = {"logistics_interface": content, "data_digest": md5_base64(content + SECRET).encode()}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def event(code: str, at: str) -> Push:
    return push(json.dumps({"mailNo": NUMBER, "infoContent": code, "acceptTime": at}).encode())


@pytest.mark.parametrize("name", ["vendor_uat_sample", "query_sign"])
def test_a_call_is_signed_as_the_sheet_signs_it(name: str) -> None:
    given = VECTORS[name]["inputs"]
    track = Interface.model_validate({"url": "/x", "secret": given["secret"], "v": given["v"]})
    assert signed(track, given["method"], given["param"], "1")["sign"] == VECTORS[name]["expected"]["sign"]


def test_the_digest_is_the_vendors() -> None:
    given, expected = VECTORS["vendor_example"]["inputs"], VECTORS["vendor_example"]["expected"]
    assert md5_base64(given["data"] + given["secret"]) == expected["sign"]


async def test_each_interface_has_its_own_address_and_secret() -> None:
    asked: list[httpx.Request] = []
    names = {"subscribe": "subscribe_adapter", "cancel": "korder_cancel_adapter"}
    more: dict[str, Any] = {setting: face(name) for setting, name in names.items()}
    yto = adapter(asked, client_id="K1", **more)
    await yto.poll([LEG])
    await yto.subscribe(LEG)
    await yto.cancel(LEG)
    for request, name in zip(asked, ["track_query_adapter", *names.values()], strict=True):
        fields = form(request.content)
        assert request.url.path == face(name)["url"]
        assert fields["sign"] == md5_base64(f"{fields['param']}{name}v1secret-of-{name}")


async def test_an_older_address_is_told_method_and_version_and_a_whole_address_is_taken_as_it_is() -> None:
    asked: list[httpx.Request] = []
    older = {"method": "yto.Marketing.WaybillTrace", "v": "1.01", "app_key": "a1", "user_id": "u1"}
    url = "https://old.yto.test/service/waybill_query/v1/u1"
    await adapter(asked, track={**face("x", **older), "url": url}).poll([LEG])
    fields = form(asked[0].content)
    assert str(asked[0].url) == url
    assert older.items() <= fields.items()
    assert fields["sign"] == md5_base64(fields["param"] + "yto.Marketing.WaybillTrace1.01secret-of-x")


def test_an_empty_secret_of_an_interface_is_refused() -> None:
    with pytest.raises(ValidationError):
        adapter(track={**face("track_query_adapter"), "secret": " "})


def test_what_an_account_can_do_follows_from_its_interfaces() -> None:
    every: dict[str, Any] = {name: face(name) for name in ("subscribe", "create", "cancel", "intercept")}
    assert YtoAdapter.able(adapter(push_secret=None).settings) == Can.POLL
    assert YtoAdapter.able(adapter(client_id="K1", subscribe=face("subscribe")).settings) == (
        Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    )
    assert YtoAdapter.able(adapter(client_id="K1", **every).settings) == YtoAdapter.can


def test_a_push_is_verified_over_its_bytes_and_never_without_a_secret() -> None:
    genuine = push("<UpdateInfo><remark>已揽收</remark></UpdateInfo>".encode("gbk"))
    adapter().verify(genuine)
    with pytest.raises(BadSignature):
        adapter(push_secret=None).verify(genuine)
    unsigned = Push(body=b"logistics_interface=%7B%7D&data_digest=" + quote_from_bytes(b"").encode())
    with pytest.raises(BadSignature):
        adapter(push_secret=None).verify(unsigned)


def test_signed_after_a_return_is_returned_and_inferred() -> None:
    told = [event("SIGNED", "2026-03-06 08:00:00"), event("TMS_RETURN", "2026-03-05 08:00:00")]
    state = fold_scans(scan for one in told for scan in adapter().receive(one))
    assert (state.status, state.inferred) == (Status.RETURNED, True)
