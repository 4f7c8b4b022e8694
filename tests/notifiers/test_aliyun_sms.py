"""Aliyun SMS: the sheet's signature vectors, its whole list of codes, and what a record may say."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pydantic import ValidationError

from gateway.contract import (
    BadPayload,
    BadSignature,
    Found,
    OutcomeUnknown,
    Push,
    RecipientInvalid,
    Refused,
    Unavailable,
)
from gateway.domain import ProviderTemplate
from notifiers.aliyun_sms import AliyunSmsNotifier
from notifiers.aliyun_sms.numbers import our_number, provider_number
from notifiers.aliyun_sms.signatures import acs3, canonical, rpc
from notifiers.aliyun_sms.wire import problem
from tests.notifiers.providers import NOW, Provider, made, message, vectors

V3 = vectors("aliyun_sms")["aliyun_acs3"]
RPC = vectors("aliyun_sms")["aliyun_rpc"]
SETTINGS = {"access_key_id": V3["access_key_id"], "access_key_secret": V3["secret"], "sign_name": "示例包裹"}
OK = {"Code": "OK", "BizId": "900619746936498440^0"}


def notifier(*answers: Any, **settings: Any) -> tuple[AliyunSmsNotifier, Provider]:
    provider = Provider(*answers)
    return made(AliyunSmsNotifier, provider, {**SETTINGS, **settings}, nonce=lambda: str(V3["nonce"])), provider


def signed_headers(body: bytes = b"", **more: str) -> dict[str, str]:
    return {
        "host": V3["host"],
        "x-acs-action": V3["action"],
        "x-acs-version": V3["version"],
        "x-acs-date": V3["date"],
        "x-acs-signature-nonce": V3["nonce"],
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        **more,
    }


def test_vector_of_parameters_in_the_query() -> None:
    given = acs3("/", canonical(V3["params"]), signed_headers(), V3["access_key_id"], V3["secret"])
    assert given.endswith(f",Signature={V3['query_variant']['signature']}")


def test_vector_of_parameters_in_a_form() -> None:
    body = canonical(V3["params"]).encode()
    headers = signed_headers(body, **{"content-type": V3["form_variant"]["content_type"]})
    given = acs3("/", "", headers, V3["access_key_id"], V3["secret"])
    assert headers["x-acs-content-sha256"] == V3["form_variant"]["body_sha256"]
    assert given.endswith(f",Signature={V3['form_variant']['signature']}")


def test_vector_of_the_old_form() -> None:
    assert rpc({**V3["params"], **RPC["extra"]}, V3["secret"]) == RPC["signature"]


async def test_what_is_sent_is_the_vector() -> None:
    sms, provider = notifier(OK)
    assert await sms.send(message(), "+8613800138000") == OK["BizId"]
    [asked] = provider.asked
    assert asked.method == "POST"
    assert asked.content == b""
    assert asked.headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=testid-parcel,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        f"Signature={V3['query_variant']['signature']}"
    )
    assert dict(asked.url.params) == V3["params"]


async def test_the_old_form_is_a_setting() -> None:
    sms, provider = notifier(OK, signature="rpc")
    await sms.send(message(), "+8613800138000")
    sent = {name: values[0] for name, values in parse_qs(provider.asked[0].url.query.decode()).items()}
    assert sent == {**V3["params"], **RPC["extra"], "Signature": RPC["signature"]}


async def test_a_port_and_a_path_before_the_service_are_signed() -> None:
    sms, provider = notifier(OK, base_url="http://127.0.0.1:8443/aliyun")
    await sms.send(message(), "+8613800138000")
    [asked] = provider.asked
    headers = {name: asked.headers[name] for name in signed_headers()}
    assert (headers["host"], asked.url.path) == ("127.0.0.1:8443", "/aliyun/")
    wanted = acs3(asked.url.path, canonical(V3["params"]), headers, V3["access_key_id"], V3["secret"])
    assert asked.headers["authorization"] == wanted


async def test_a_temporary_key_signs_its_token() -> None:
    sms, provider = notifier(OK, security_token="made-up-sts-token")
    await sms.send(message(), "+8613800138000")
    [asked] = provider.asked
    assert asked.headers["x-acs-security-token"] == "made-up-sts-token"
    assert "x-acs-security-token" in asked.headers["authorization"]


CONFIG = """isv.DOMESTIC_NUMBER_NOT_SUPPORTED isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL isv.OUT_OF_SERVICE
isv.AMOUNT_NOT_ENOUGH isv.ACCOUNT_NOT_EXISTS isv.ACCOUNT_ABNORMAL isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE
isp.RAM_PERMISSION_DENY isv.SMS_TEMPLATE_ILLEGAL isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL isv.SIGN_STATE_ILLEGAL
isv.SMS_SIGNATURE_SCENE_ILLEGAL isv.EXTEND_CODE_ERROR isv.DENY_IP_RANGE SignatureDoesNotMatch IncompleteSignature
InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive InvalidTimeStamp.Expired""".split()  # noqa: SIM905
PAYLOAD = """isv.MOBILE_COUNT_OVER_LIMIT isv.TEMPLATE_MISSING_PARAMETERS isv.INVALID_PARAMETERS isv.INVALID_JSON_PARAM
isv.PARAM_LENGTH_LIMIT isv.PARAM_NOT_SUPPORT_URL isv.BLACK_KEY_CONTROL_LIMIT isv.SMS_CONTENT_ILLEGAL isv.NEW""".split()  # noqa: SIM905
THEIRS = "isp.SYSTEM_ERROR isp.GATEWAY_ERROR isp.UNKNOWN isp.NEW ServiceUnavailable InternalError".split()  # noqa: SIM905


@pytest.mark.parametrize("code", CONFIG)
def test_trouble_of_the_account_calls_a_person(code: str) -> None:
    error = problem(code, "said")
    assert isinstance(error, Refused)
    assert error.config


@pytest.mark.parametrize("code", PAYLOAD)
def test_trouble_of_one_message_leaves_the_channel_open(code: str) -> None:
    error = problem(code, "said")
    assert isinstance(error, Refused)
    assert not error.config


@pytest.mark.parametrize("code", [*THEIRS, "Throttling", "Throttling.User", "Throttling.Api"])
def test_trouble_of_theirs_passes(code: str) -> None:
    error = problem(code, "said")
    assert isinstance(error, Unavailable)
    assert error.retry_after == (5 if code.startswith("Throttling") else None)


@pytest.mark.parametrize(
    ("said", "wait"),
    [("触发分钟级流控Permits:1", 60), ("触发小时级流控Permits:5", 3600), ("触发天级流控Permits:10", None)],
)
def test_a_limit_of_one_number_is_waited_for_unless_it_is_the_days(said: str, wait: float | None) -> None:
    error = problem("isv.BUSINESS_LIMIT_CONTROL", said)
    assert getattr(error, "retry_after", None) == wait
    assert isinstance(error, Unavailable if wait else Refused)


def test_numbers_of_people_are_not_in_errors() -> None:
    assert "13800138000" not in str(problem("isv.MOBILE_NUMBER_ILLEGAL", "13800138000 invalid"))


@pytest.mark.parametrize(
    ("ours", "theirs"), [("+8613800138000", "13800138000"), ("+85261234567", "85261234567"), ("+442071838750",) * 2]
)
def test_phone_numbers_there_and_back(ours: str, theirs: str) -> None:
    assert provider_number(ours) == theirs.removeprefix("+")
    assert our_number(theirs) == ours


@pytest.mark.parametrize("number", ["008613800138000", "8613800138000", "+8613800138000", "13800138000"])
def test_a_mainland_number_is_known_in_every_form(number: str) -> None:
    assert our_number(number) == "+8613800138000"


@pytest.mark.parametrize(
    "address", ["", "13800138000", "+86138", "+86138001380001234", "+8613800138000,+8613800138001"]
)
async def test_an_address_that_is_no_number_is_invalid_and_nothing_is_sent(address: str) -> None:
    sms, provider = notifier(OK)
    with pytest.raises(RecipientInvalid):
        await sms.send(message(), address)
    assert provider.asked == []


async def test_variables_are_cut_to_their_limit_and_to_twenty_without_one() -> None:
    sms, provider = notifier(OK)
    template = ProviderTemplate(id="SMS_1", params={"no": "no", "place": "place"}, limits={"no": 4})
    await sms.send(message(params={"no": "SF1000", "place": "京" * 30}, template=template), "+8613800138000")
    assert provider.asked[0].url.params["TemplateParam"] == '{"no":"SF10","place":"' + "京" * 20 + '"}'


async def test_a_template_without_variables_sends_none() -> None:
    sms, provider = notifier(OK)
    await sms.send(message(template=ProviderTemplate(id="SMS_2")), "+8613800138000")
    assert "TemplateParam" not in provider.asked[0].url.params


@pytest.mark.parametrize("changes", [{"template": None}, {"params": {"no": "SF1"}}])
async def test_a_message_that_cannot_be_filled_in_is_refused_before_it_is_sent(changes: dict[str, Any]) -> None:
    sms, provider = notifier(OK)
    with pytest.raises(Refused):
        await sms.send(message(**changes), "+8613800138000")
    assert provider.asked == []


@pytest.mark.parametrize("answer", [b"<html>", b"", b"[]", {}, {"Code": ""}, {"Code": "OK", "BizId": []}])
async def test_an_answer_nobody_can_read_leaves_the_outcome_unknown(answer: Any) -> None:
    sms, _ = notifier(answer)
    with pytest.raises(OutcomeUnknown):
        await sms.send(message(), "+8613800138000")


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("body", [b"<html>", {"Code": "OK"}, {"Code": "isv.NEW", "Message": "m"}])
async def test_a_refusal_by_status_is_never_a_yes(status: int, body: Any) -> None:
    sms, _ = notifier((status, body))
    with pytest.raises(Refused) as caught:
        await sms.send(message(), "+8613800138000")
    assert caught.value.status == status
    assert caught.value.config is (status == 403)


def records(*ids: str, total: int | None = None) -> dict[str, Any]:
    rows = [{"OutId": one, "SendStatus": 1} for one in ids]
    count = {"TotalCount": str(len(rows) if total is None else total)}
    return {"Code": "OK", **count, "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


async def test_find_turns_the_pages() -> None:
    sms, provider = notifier(records(*["x"] * 50, total=51), records("evt_01J9Z0STALL", total=51))
    assert await sms.find(message(), "+8613800138000") is Found.SENT
    assert [asked.url.params["CurrentPage"] for asked in provider.asked] == ["1", "2"]


async def test_find_gives_up_on_an_answer_without_end() -> None:
    sms, provider = notifier(records(*["x"] * 50, total=10**30), settle_seconds=0)
    assert await sms.find(message(), "+8613800138000") is Found.CANNOT_TELL
    assert len(provider.asked) == 40


async def test_find_asks_for_each_day_in_shanghai_since_it_was_decided() -> None:
    sms, provider = notifier(records())
    decided = NOW - timedelta(hours=16, minutes=1)  # 23:59 of the day before in Shanghai
    assert await sms.find(message(created_at=decided), "+8613800138000") is Found.NOT_SENT
    assert [asked.url.params["SendDate"] for asked in provider.asked] == ["20260114", "20260115"]


async def test_find_waits_until_a_record_would_be_there() -> None:
    sms, _ = notifier(records())
    with pytest.raises(Unavailable) as caught:
        await sms.find(message(created_at=NOW - timedelta(seconds=100)), "+8613800138000")
    assert caught.value.retry_after == 500


async def test_find_from_a_clock_that_is_behind_asks_for_the_day_it_was_decided() -> None:
    sms, provider = notifier(records())
    with pytest.raises(Unavailable):
        await sms.find(message(created_at=NOW + timedelta(days=2)), "+8613800138000")
    assert [asked.url.params["SendDate"] for asked in provider.asked] == ["20260117"]


@pytest.mark.parametrize(
    "answer", [{}, {"TotalCount": "1", "SmsSendDetailDTOs": []}, {"TotalCount": "many"}, {"SmsSendDetailDTOs": {}}]
)
async def test_find_does_not_take_a_strange_answer_for_a_no(answer: dict[str, Any]) -> None:
    sms, _ = notifier({"Code": "OK", **answer})
    with pytest.raises(BadPayload):
        await sms.find(message(), "+8613800138000")


async def test_a_line_that_breaks_after_sending_leaves_the_outcome_unknown() -> None:
    sms, _ = notifier(httpx.ReadTimeout("no answer"))
    with pytest.raises(OutcomeUnknown):
        await sms.send(message(), "+8613800138000")


def test_receipts_come_on_the_secret_path_only() -> None:
    sms, _ = notifier(OK)
    with pytest.raises(BadSignature):
        sms.verify(Push(body=b"[]"))
    sms.verify(Push(body=b"[]", token="a-long-and-random-path-token"))


@pytest.mark.parametrize(("setting", "value"), [("access_key_secret", " "), ("sign_name", ""), ("signature", "md5")])
def test_settings_name_what_is_wrong(setting: str, value: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        AliyunSmsNotifier.Settings.model_validate({**SETTINGS, setting: value})
