"""What samples cannot say about 快递100: the vectors, sibling hosts, what is missing, what a fold makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from pydantic import ValidationError

from adapters.kuaidi100 import Kuaidi100Adapter, Kuaidi100Settings
from adapters.kuaidi100.wire import signed
from gateway.contract import BadSignature, Can, Outcome, Push, Refused, Verdict
from gateway.contract.client import contract_client
from gateway.domain import Address, LegRef, Parcel, Party, Scan, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "kuaidi100"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SETTINGS = {
    "base_url": "https://poll.kuaidi100.com",
    "customer": "C",
    "key": "K",
    "salt": "demo-salt-01",
    "secret": "S",
}
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
YES = {"result": True, "returnCode": "200", "message": "成功"}
END = Address(country="CN", city="上海市", address="申贵路1500号")
PARCEL = Parcel(order_id="SO-1", sender=Party(name="张三", address=END), recipient=Party(name="李四", address=END))


class Provider:
    """The other side: answers everything alike and keeps what it was asked."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        return httpx.Response(200, json=self.answer)

    @property
    def param(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(parse_qs(self.asked[-1].content.decode())["param"][0])
        return found


def adapter(provider: Provider | None = None, **settings: Any) -> Kuaidi100Adapter:
    checked = Kuaidi100Settings.model_validate(SETTINGS | settings)
    client = contract_client(checked.base_url, httpx.MockTransport(provider or Provider(YES)))
    return Kuaidi100Adapter(checked, client, clock=lambda: NOON)


def push(param: dict[str, Any], **fields: str) -> Push:
    said = json.dumps(param, ensure_ascii=False)
    return Push(body=urlencode({"param": said, "sign": signed(said, "demo-salt-01"), **fields}).encode())


def told(*events: tuple[str, str, str], **fields: Any) -> list[Scan]:
    """The scans of a push of (code, text, time) events."""
    data = [{"statusCode": code, "context": text, "ftime": at} for code, text, at in events]
    result = {"nu": "73100000000001", "com": "zhongtong", "data": data, "status": "200"}
    return adapter().receive(push({"status": "polling", "lastResult": result, **fields}))


@pytest.mark.parametrize("name", VECTORS)
def test_every_signature_is_the_sheets(name: str) -> None:
    order = ("param", "t", "key", "customer", "secret", "salt")
    given = VECTORS[name]["inputs"]
    assert {"sign": signed(*(given[part] for part in order if part in given))} == VECTORS[name]["expected"]


async def test_orders_go_to_the_sibling_hosts_and_to_a_stand_in_where_that_is_the_base() -> None:
    leg = LegRef(carrier="yto", tracking_number="YT1", company="yuantong", reference="3")
    for base, order, label in (
        ("https://poll.kuaidi100.com", "https://order.kuaidi100.com/order", "https://api.kuaidi100.com/label"),
        (
            "http://127.0.0.1:9000/kuaidi100/",
            "http://127.0.0.1:9000/kuaidi100/order",
            "http://127.0.0.1:9000/kuaidi100/label",
        ),
    ):
        provider = Provider(YES)
        await adapter(provider, base_url=base).cancel(leg)
        await adapter(provider, base_url=base).intercept(leg)
        assert str(provider.asked[0].url) == f"{order}/borderbestapi.do"
        assert str(provider.asked[1].url) == f"{label}/order"


async def test_a_subscription_without_a_company_asks_for_detection() -> None:
    provider = Provider(YES)
    await adapter(provider, callback_url="https://shop.test/w").subscribe(LegRef(carrier="x", tracking_number="7730"))
    assert provider.param["company"] == ""
    assert provider.param["parameters"]["autoCom"] == "1"
    assert "interCom" not in provider.param["parameters"]


async def test_what_is_not_set_is_named() -> None:
    leg = LegRef(carrier="x", tracking_number="7730")
    with pytest.raises(Refused, match="callback_url"):
        await adapter().subscribe(leg)
    with pytest.raises(Refused, match="company"):
        await adapter().poll([leg])
    with pytest.raises(Refused, match="company"):
        await adapter().book(PARCEL, "key")
    with pytest.raises(Refused, match="secret"):
        await adapter(secret=None, company="yuantong").book(PARCEL, "key")


@pytest.mark.parametrize(
    ("settings", "lacking"),
    [
        ({"company": "yuantong", "callback_url": "https://shop.test/w"}, Can.NOTHING),
        ({"company": "yuantong"}, Can.SUBSCRIBE),
        ({"callback_url": "https://shop.test/w"}, Can.BOOK),
        ({"secret": None}, Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT),
    ],
)
def test_an_account_can_do_what_its_settings_allow(settings: dict[str, Any], lacking: Can) -> None:
    assert Kuaidi100Adapter.able(adapter(**settings).settings) == Kuaidi100Adapter.can & ~lacking


@pytest.mark.parametrize("name", ["key", "salt", "secret"])
@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_secret_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Kuaidi100Settings.model_validate(SETTINGS | {name: value})


def test_the_first_of_repeated_fields_is_verified_and_read() -> None:
    genuine = push({"status": "abort", "message": "3天查询无记录"})
    forged = replace(genuine, body=genuine.body + b"&param=%7B%22status%22%3A%22polling%22%7D")
    adapter().verify(forged)
    assert adapter().receive(forged) == []


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"param=%7B%7D", b"sign=&param=", b"param=%7B%7D&sign=%C3%BC", b"[]"]
)
def test_whatever_is_not_signed_is_a_bad_signature(body: bytes) -> None:
    with pytest.raises(BadSignature):
        adapter().verify(Push(body=body))


def test_an_order_state_has_the_time_at_which_it_came_in_and_a_replay_the_same() -> None:
    state = push({"kuaidicom": "yuantong", "kuaidinum": "YT1", "data": {"status": 10}}, taskId="T")
    came = replace(state, received_at=NOON - timedelta(days=3))
    assert [scan.at for scan in adapter().receive(came)] == [NOON - timedelta(days=3)]
    assert adapter().receive(came) == adapter().receive(came)


def test_a_main_state_is_never_read() -> None:
    """It defaults to 0, and 4 also stands for 401 and 14."""
    empty = {
        "status": "polling",
        "lastResult": {"nu": "7", "com": "zhongtong", "status": "200", "state": "3", "data": []},
    }
    assert adapter().receive(push(empty)) == []


def test_only_the_recipients_own_signature_stands_against_a_return() -> None:
    back = ("6", "快件退回", "2026-03-05 08:00:00")
    for code, status in (("3", Status.RETURNED), ("301", Status.DELIVERED), ("304", Status.RETURNED)):
        state = fold_scans(told(back, (code, "已签收", "2026-03-06 08:00:00")))
        assert (state.status, state.inferred) == (status, status is Status.RETURNED)
    explicit = fold_scans(told(back, ("4", "退件签收", "2026-03-06 08:00:00")))
    assert (explicit.status, explicit.inferred) == (Status.RETURNED, False)


def test_paperwork_of_an_abort_never_undoes_a_delivery_and_a_later_scan_reopens_it() -> None:
    gone = {"status": "abort", "message": "60天无变化"}
    assert fold_scans(told(("3", "已签收", "2026-01-01 08:00:00"), **gone)).status is Status.DELIVERED
    expired = told(("0", "在途", "2026-01-01 08:00:00"), **gone)
    assert fold_scans(expired).status is Status.EXPIRED
    reopened = expired + told(("5", "派件", "2026-03-10 08:00:00"))
    assert fold_scans(reopened).status is Status.OUT_FOR_DELIVERY


def test_a_refused_parcel_is_not_a_returned_one() -> None:
    state = fold_scans(told(("14", "拒签", "2026-01-01 08:00:00")))
    assert (state.status, state.reason) == (Status.EXCEPTION, "refused")


def test_it_asks_to_try_again_when_it_could_not_keep_a_push() -> None:
    reply = adapter().acknowledge(Outcome(verdict=Verdict.BUSY, push=Push()))
    assert (reply.status, json.loads(reply.body)["result"]) == (200, False)
