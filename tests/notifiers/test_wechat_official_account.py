"""WeChat official account: the sheet's vectors, the race for the token, and callbacks nobody can forge."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from gateway.contract import (
    BadPayload,
    BadSignature,
    ContractError,
    OutcomeUnknown,
    Push,
    RecipientInvalid,
    RecipientOptedOut,
    Refused,
    Unavailable,
)
from gateway.domain import ProviderTemplate
from notifiers.wechat_official_account import WechatOfficialAccountNotifier
from notifiers.wechat_official_account.envelopes import decrypted, parsed, signature
from notifiers.wechat_official_account.wire import problem
from tests.notifiers.providers import NOW, Provider, made, message, vectors

PLAIN, SAFE = vectors("wechat_official_account")["wechat_plain"], vectors("wechat_official_account")["wechat_safe"]
SETTINGS = {
    "appid": SAFE["appid"],
    "secret": "made-up-app-secret",
    "token": SAFE["token"],
    "encoding_aes_key": SAFE["encoding_aes_key"],
}
TOKEN = {"access_token": "TOKEN1", "expires_in": 7200}
SENT = {"errcode": 0, "errmsg": "ok", "msgid": 200228332}


def account(*answers: Any, **settings: Any) -> tuple[WechatOfficialAccountNotifier, Provider]:
    provider = Provider(*answers)
    return made(WechatOfficialAccountNotifier, provider, {**SETTINGS, **settings}), provider


def paths(provider: Provider) -> list[str]:
    return [asked.url.path.rsplit("/", 1)[1] for asked in provider.asked]


# the vectors


def test_vector_of_the_plain_signature() -> None:
    assert signature(PLAIN["token"], PLAIN["timestamp"], PLAIN["nonce"]) == PLAIN["signature"]


def test_vectors_of_safe_mode() -> None:
    given = signature(SAFE["token"], SAFE["timestamp"], SAFE["nonce"], SAFE["encrypt"])
    assert given == SAFE["msg_signature"]
    xml, appid = decrypted(SAFE["encrypt"], SAFE["encoding_aes_key"])
    assert xml.decode() == SAFE["xml"]
    assert appid.decode() == SAFE["appid"]


# sending


async def test_a_template_message_carries_our_id_and_the_link() -> None:
    oa, provider = account(TOKEN, SENT)
    template = ProviderTemplate(id="TPL", params={"thing1": "what", "number2": "no"}, limits={"number2": 4})
    params = {"what": "包裹已5天\r\n没有更新" + "！" * 20, "no": "SF1000"}
    assert await oa.send(message(params=params, template=template, link="https://gw.test/t/1"), "oID") == "200228332"
    assert json.loads(provider.asked[0].content) == {
        "grant_type": "client_credential",
        "appid": SAFE["appid"],
        "secret": "made-up-app-secret",
        "force_refresh": False,
    }
    assert json.loads(provider.asked[1].content) == {
        "touser": "oID",
        "template_id": "TPL",
        "client_msg_id": "evt_01J9Z0STALL",
        "url": "https://gw.test/t/1",
        "data": {"thing1": {"value": ("包裹已5天 没有更新" + "！" * 20)[:20]}, "number2": {"value": "SF10"}},
    }


async def test_many_sends_fetch_one_token() -> None:
    oa, provider = account(TOKEN, SENT)
    await asyncio.gather(*(oa.send(message(), "oID") for _ in range(20)))
    assert paths(provider).count("stable_token") == 1


async def test_a_token_is_fetched_again_a_minute_before_its_end() -> None:
    now = [NOW]
    provider = Provider({"access_token": "TOKEN1", "expires_in": 300}, SENT, SENT, TOKEN, SENT)
    oa = made(WechatOfficialAccountNotifier, provider, SETTINGS, clock=lambda: now[0])
    await oa.send(message(), "oID")
    now[0] += timedelta(seconds=239)
    await oa.send(message(), "oID")
    now[0] += timedelta(seconds=1)
    await oa.send(message(), "oID")
    assert paths(provider) == ["stable_token", "send", "send", "stable_token", "send"]


class Revoking:
    """The token T1 has died; T2 works. Both refusals of T1 are answered only when two sends hold it."""

    def __init__(self) -> None:
        self.tokens = 0
        self.holding = asyncio.Barrier(2)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("stable_token"):
            self.tokens += 1
            body: dict[str, Any] = {"access_token": f"T{self.tokens}", "expires_in": 7200}
        elif request.url.params["access_token"] == "T1":
            await self.holding.wait()
            body = {"errcode": 40001, "errmsg": "invalid credential"}
        else:
            body = SENT
        return httpx.Response(200, json=body, request=request)


async def test_two_sends_with_a_dead_token_fetch_one_new_one() -> None:
    provider: Any = Revoking()
    oa = made(WechatOfficialAccountNotifier, provider, SETTINGS)
    sent = list(await asyncio.gather(oa.send(message(), "oA"), oa.send(message(), "oB")))
    assert sent == ["200228332"] * 2
    assert provider.tokens == 2


@pytest.mark.parametrize("code", [40001, 40014, 42001, 41001])
async def test_a_token_that_is_refused_twice_calls_a_person(code: int) -> None:
    oa, provider = account(TOKEN, {"errcode": code}, TOKEN, {"errcode": code})
    with pytest.raises(Refused) as caught:
        await oa.send(message(), "oID")
    assert caught.value.config
    assert paths(provider) == ["stable_token", "send", "stable_token", "send"]


CONFIG = [40013, 40125, 40243, 40164, 89503, 50004, 50007, 48001, 48004, 61024, 40037, 41030, 43116]


@pytest.mark.parametrize(
    ("codes", "error", "config"),
    [
        (CONFIG, Refused, True),
        ([47003, 47001, 44002, 45002, 40097, 43117, 99999], Refused, False),
        ([40003, 50002, 50005], RecipientInvalid, None),
        ([43004, 43019, 43101, 45015], RecipientOptedOut, None),
        ([-1, 45009, 45011, 45047], Unavailable, None),
    ],
)
def test_every_code_of_the_sheet(codes: list[int], error: type[ContractError], config: bool | None) -> None:
    for code in codes:
        found = problem(str(code), "said rid: 1", NOW)
        assert type(found) is error, code
        assert getattr(found, "config", None) is config, code
        assert "rid: 1" in found.detail


def test_the_days_quota_ends_at_midnight_in_shanghai() -> None:
    error = problem("45009", "reach max api daily quota limit", NOW)  # 16:00 there
    assert isinstance(error, Unavailable)
    assert error.retry_after == 8 * 3600


@pytest.mark.parametrize("answer", [(500, b""), (503, {"errcode": 0}), b"<html>", {}, {"errcode": [], "msgid": 1}])
async def test_what_may_have_been_sent_is_unknown_and_safe_to_repeat(answer: Any) -> None:
    oa, _ = account(TOKEN, answer)
    with pytest.raises(OutcomeUnknown):
        await oa.send(message(), "oID")
    assert oa.repeat_safe_for == 60


@pytest.mark.parametrize("answer", [(500, b""), httpx.ReadTimeout("no answer"), {"errcode": -1}])
async def test_without_a_token_nothing_was_sent(answer: Any) -> None:
    oa, provider = account(answer)
    with pytest.raises(Unavailable):
        await oa.send(message(), "oID")
    assert paths(provider) == ["stable_token"]


@pytest.mark.parametrize("answer", [{}, {"access_token": "T"}, {"access_token": "T", "expires_in": "soon"}, b"?"])
async def test_a_token_that_cannot_be_read_is_no_token(answer: Any) -> None:
    oa, _ = account(answer)
    with pytest.raises(BadPayload):
        await oa.send(message(), "oID")


@pytest.mark.parametrize("changes", [{"template": None}, {"params": {"no": "SF1"}}])
async def test_a_message_that_cannot_be_filled_in_is_refused_before_it_is_sent(changes: dict[str, Any]) -> None:
    oa, provider = account(TOKEN, SENT)
    with pytest.raises(Refused):
        await oa.send(message(**changes), "oID")
    assert provider.asked == []


async def test_the_token_and_the_secret_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    oa, _ = account(TOKEN, SENT)
    await oa.send(message(), "oID")
    assert "access_token=***" in caplog.text
    assert "TOKEN1" not in caplog.text
    assert "made-up-app-secret" not in caplog.text + repr(oa.settings)


# callbacks


def handshake(**changes: str) -> Push:
    query = {name: PLAIN[name] for name in ("signature", "timestamp", "nonce")}
    return Push(method="GET", query={**query, "echostr": "5927563180", **changes})


def test_the_handshake_gives_the_echostr_back() -> None:
    oa, _ = account(TOKEN)
    reply = oa.handshake(handshake())
    assert (reply.status, reply.body, reply.content_type) == (200, b"5927563180", "text/plain")


@pytest.mark.parametrize("change", [{"signature": "0" * 40}, {"signature": "签"}, {"nonce": "1"}, {"timestamp": ""}])
def test_a_stranger_gets_no_handshake(change: dict[str, str]) -> None:
    oa, _ = account(TOKEN)
    with pytest.raises(BadSignature):
        oa.handshake(handshake(**change))


def event(encrypt: str = SAFE["encrypt"], *, timestamp: str = "1768464000", **query: str) -> Push:
    signed = signature(SAFE["token"], timestamp, SAFE["nonce"], encrypt)
    given = {"timestamp": timestamp, "nonce": SAFE["nonce"], "encrypt_type": "aes", "msg_signature": signed}
    body = f"<xml><ToUserName/><Encrypt>{encrypt}</Encrypt></xml>"
    return Push(query={**given, **query}, body=body.encode())


def test_an_event_of_the_vector_is_believed() -> None:
    oa, _ = account(TOKEN)
    oa.verify(event())


@pytest.mark.parametrize("seconds", [301, -301])
def test_an_event_is_believed_for_five_minutes(seconds: int) -> None:
    oa, _ = account(TOKEN)
    oa.verify(event(timestamp=str(1768464000 - seconds // 301 * 300)))
    with pytest.raises(BadSignature, match="old"):
        oa.verify(event(timestamp=str(1768464000 - seconds)))


def test_an_event_that_waited_in_our_inbox_is_judged_by_when_it_came() -> None:
    now = NOW + timedelta(days=3)
    oa = made(WechatOfficialAccountNotifier, Provider(TOKEN), SETTINGS, clock=lambda: now)
    push = event()
    oa.verify(Push(query=push.query, body=push.body, received_at=NOW))


@pytest.mark.parametrize("missing", ["token", "encoding_aes_key"])
def test_without_its_secrets_no_event_is_believed(missing: str) -> None:
    oa = made(WechatOfficialAccountNotifier, Provider(TOKEN), {k: v for k, v in SETTINGS.items() if k != missing})
    with pytest.raises(BadSignature):
        oa.verify(event())


def test_plain_mode_is_refused_though_its_signature_is_right() -> None:
    oa, _ = account(TOKEN)
    with pytest.raises(BadSignature, match="safe mode"):
        oa.verify(Push(query=handshake().query, body=b"<xml><Event>unsubscribe</Event></xml>"))


@pytest.mark.parametrize("encrypt", ["", "AAAA", "not base64!", "签", base64.b64encode(b"\0" * 64).decode()])
def test_what_our_key_does_not_open_is_refused_even_when_signed(encrypt: str) -> None:
    oa, _ = account(TOKEN)
    with pytest.raises(BadSignature):
        oa.verify(event(encrypt))


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<x/>",
        b"<xml>",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="nonsense"?><xml/>',
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>',
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x"><xml/>',
    ],
)
def test_a_document_with_a_dtd_or_none_at_all_is_no_payload(xml: bytes) -> None:
    with pytest.raises(BadPayload):
        parsed(xml)


@pytest.mark.parametrize("key", ["", "short", "a" * 44, "?" * 43])
def test_the_setting_says_what_an_aes_key_looks_like(key: str) -> None:
    with pytest.raises(ValidationError, match="encoding_aes_key"):
        WechatOfficialAccountNotifier.Settings.model_validate({**SETTINGS, "encoding_aes_key": key})
