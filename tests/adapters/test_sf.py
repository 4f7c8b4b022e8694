"""What samples cannot say about SF: the sheet's vectors, OAuth2, pushes as bytes, and what the fold makes of it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pydantic import ValidationError

from adapters.sf import SfAdapter, SfSettings
from gateway.contract import BadPayload, Outcome, Push, Refused, Unavailable, Verdict
from gateway.contract.client import contract_client
from gateway.contract.signing import java_quoted, md5_base64
from gateway.domain import LegRef, Scan, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "sf"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))}
SETTINGS = {"base_url": "https://sf.test", "partner_id": "P", "check_word": "made-up"}
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LEG = LegRef(carrier="sf", tracking_number="SF1234567890123", phone="+8613800005514")
NOTHING = {"success": True, "errorCode": "S0000", "msgData": {"routeResps": []}}


class Provider:
    """SF's gateway in OAuth2 mode: numbers its tokens, refuses those it is told to refuse."""

    def __init__(self, *refused: str, life: Any = 7199) -> None:
        self.refused = refused
        self.life = life
        self.issued = 0
        self.used: list[str] = []
        self.secrets: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs((await request.aread()).decode()).items()}
        if request.url.path == "/oauth2/accessToken":
            self.issued += 1
            self.secrets.append(f"{form['partnerID']} {form['secret']} {form['grantType']}")
            token = {"apiResultCode": "A1000", "accessToken": f"t{self.issued}", "expiresIn": self.life}
            return httpx.Response(200, json=token)
        self.used.append(form["accessToken"])
        bad = form["accessToken"] in self.refused
        answer = {"apiResultCode": "A1006", "apiErrorMsg": "accessToken 无效"} if bad else {"apiResultCode": "A1000"}
        return httpx.Response(200, json=answer | {"apiResultData": json.dumps(NOTHING)})


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def adapter(provider: Provider | None = None, clock: Clock | None = None, **settings: Any) -> SfAdapter:
    checked = SfSettings.model_validate(SETTINGS | settings)
    client = contract_client(checked.base_url, httpx.MockTransport(provider or Provider()))
    return SfAdapter(checked, client, clock=clock or Clock())


def push(body: str | bytes, kind: str = "application/json") -> Push:
    raw = body.encode() if isinstance(body, str) else body
    return Push(body=raw, headers={"content-type": kind}, token="secret-path")


def told(*events: tuple[str, str, str]) -> list[Scan]:
    """The scans of a push of (opCode, remark, time) routes."""
    rows = [{"mailno": "SF1", "opCode": op, "remark": remark, "acceptTime": at} for op, remark, at in events]
    return adapter().receive(push(json.dumps({"Body": {"WaybillRoute": rows}})))


@pytest.mark.parametrize("name", VECTORS)
def test_every_digest_is_the_sheets(name: str) -> None:
    given = VECTORS[name]["inputs"]
    digest = md5_base64(java_quoted(given["msgData"] + given["timestamp"] + given["checkword"]))
    assert {"msgDigest": digest} == VECTORS[name]["expected"]


async def test_one_token_serves_all_until_shortly_before_its_end() -> None:
    provider, clock = Provider(), Clock()
    sf = adapter(provider, clock, auth="oauth2")
    await asyncio.gather(*(sf.poll([LEG]) for _ in range(5)))
    clock.now = NOON + timedelta(seconds=7190)
    await sf.poll([LEG])
    assert provider.used == ["t1"] * 5 + ["t2"]
    assert provider.secrets == ["P made-up password"] * 2


async def test_a_refused_token_is_replaced_once_and_then_a_person_is_called() -> None:
    provider = Provider("t1")
    await adapter(provider, auth="oauth2").poll([LEG])
    assert provider.used == ["t1", "t2"]
    with pytest.raises(Refused) as refused:
        await adapter(Provider("t1", "t2"), auth="oauth2").poll([LEG])
    assert (refused.value.code, refused.value.config) == ("A1006", True)


@pytest.mark.parametrize("life", [None, "soon", "nan", "1e400", {}])
async def test_a_token_without_a_readable_life_is_a_bad_payload(life: Any) -> None:
    with pytest.raises(BadPayload):
        await adapter(Provider(life=life), auth="oauth2").poll([LEG])


async def test_a_refused_account_gets_no_token() -> None:
    async def deny(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"apiResultCode": "A1006", "apiErrorMsg": "数字签名无效"})

    settings = SfSettings.model_validate(SETTINGS | {"auth": "oauth2"})
    sf = SfAdapter(settings, contract_client("https://sf.test", httpx.MockTransport(deny)))
    with pytest.raises(Refused) as refused:
        await sf.poll([LEG])
    assert refused.value.config


async def test_the_token_may_live_on_another_host() -> None:
    hosts: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        raise httpx.ConnectError("not here", request=request)

    settings = SfSettings.model_validate(
        SETTINGS | {"auth": "oauth2", "token_url": "https://token.test/oauth2/accessToken"}
    )
    with pytest.raises(Unavailable):
        await SfAdapter(settings, contract_client("https://sf.test", httpx.MockTransport(answer))).poll([LEG])
    assert hosts == ["token.test"]


@pytest.mark.parametrize(
    ("name", "value"), [("check_word", ""), ("check_word", "  "), ("partner_id", ""), ("auth", "x")]
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        SfSettings.model_validate(SETTINGS | {name: value})


def test_a_byte_order_mark_and_blanks_before_a_push_are_no_matter() -> None:
    row = '{"mailno":"SF1","opCode":"50","acceptTime":"2026-03-05 12:56:14"}'
    body = b"\xef\xbb\xbf \n" + f'{{"Body":{{"WaybillRoute":[{row}]}}}}'.encode()
    assert [scan.status for scan in adapter().receive(push(body))] == [Status.PICKED_UP]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"content=", b"content=%FF", b"<", b"<a/>", b"<\xff/>", b"{", b"[]", b'{"orderState":{}}', b"null"],
)
@pytest.mark.parametrize("kind", ["application/json", "text/xml", "application/x-www-form-urlencoded"])
def test_rubbish_is_a_bad_payload_and_still_answered(body: bytes, kind: str) -> None:
    with pytest.raises(BadPayload):
        adapter().receive(push(body, kind))
    for verdict in Verdict:
        assert adapter().acknowledge(Outcome(verdict=verdict, push=push(body, kind))).body


def test_it_asks_for_a_repeat_in_the_form_in_which_the_push_came() -> None:
    busy = [adapter().acknowledge(Outcome(verdict=Verdict.BUSY, push=push(body))) for body in ("{}", "<Request/>")]
    assert [reply.status for reply in busy] == [200, 200]
    assert json.loads(busy[0].body)["return_code"] == "1000"
    assert b"<Head>ERR</Head>" in busy[1].body
    assert busy[1].content_type == "application/xml"


def test_a_signature_after_a_return_is_the_senders_as_far_as_we_can_tell() -> None:
    state = fold_scans(
        told(("660", "合作点退件给客户", "2026-03-05 08:00:00"), ("80", "已签收", "2026-03-06 08:00:00"))
    )
    assert (state.status, state.inferred) == (Status.RETURNED, True)


def test_a_cancellation_told_by_a_reason_code_ends_nothing() -> None:
    rows = [{"mailno": "SF1", "opCode": "70", "reasonCode": "46", "acceptTime": "2026-03-05 08:00:00"}]
    scans = adapter().receive(push(json.dumps({"Body": {"WaybillRoute": rows}})))
    assert fold_scans(scans).status is Status.EXCEPTION


def test_information_moves_nothing() -> None:
    state = fold_scans(told(("50", "已收件", "2026-03-05 08:00:00"), ("75", "说明", "2026-03-06 08:00:00")))
    assert (state.status, state.progress_at) == (Status.PICKED_UP, datetime(2026, 3, 5, 0, tzinfo=UTC))
