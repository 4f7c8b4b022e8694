"""What samples cannot say about UPS: the bearers we issue, subscriptions of v1, tokens over several calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.ups import UpsAdapter, UpsSettings
from gateway.contract import BadSignature, Push, Refused
from gateway.contract.client import contract_client
from gateway.contract.signing import basic
from gateway.domain import LegRef, Parcel, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "ups"
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LEG = LegRef(carrier="ups", tracking_number="1Z999AA10123456784")
GRANT = b"grant_type=client_credentials"
PUSH_CLIENT = {"push_client_id": "push-client", "push_client_secret": "made-up-push-secret"}

#: Table (e)1 of the sheet, row by row; 155 and 156 need type D and are in the samples.
SHEET = """
info/ 000 088 148 163 | pre_transit/ 003 080 157 166 044 045 079 065 131 135 077 | picked_up/ 038 160 167 168 169
in_transit/ 005 010 025 039 047 057 070 071 073 074 075 087 093 094 137 138 143 158 159 164 165
in_transit/ 014 084 134
customs/ 012 092 123 126 | exception/customs_hold 058 124 125 141 | out_for_delivery/ 006 021 072 078 089 091 146 162
available_for_pickup/ 017 040 144 161 | delivered/ 011 026 | attempt_failed/ 022 023 024 060 061 066 145
attempt_failed/payment_due 062 | info/ 027 028 096 097 098 099 | exception/address_problem 050 | exception/refused 064
exception/damaged 059 | exception/lost 068 | exception/unclaimed 069 | exception/weather 032 051 052 053
exception/carrier_delay 046 048 086 090 | exception/security 132 139 147 149 | exception/other 013 029 030 049 076 129
info/ 016 019 020 083 100 101 102 103 104 105 106 107 108 109 | exception/payment_due 085
info/ 018 041 042 054 055 056 063 082 095 110 111 112 113 114 115 116 120 121 122 136 153 154
returning/ 033 035 036 037 117 118 119 | returning/damaged 081 | returned/ 034 067 | cancelled/ 007 | pre_transit/ 043
info/ 127 128 130 133 140 142
"""


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Ups:
    """A stand-in: issues numbered bearers, keeps what it was asked, answers what `answer` says."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.tokens = 0
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/security/v1/oauth/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"bearer-{self.tokens}", "expires_in": "14399"})
        self.asked.append(request)
        return self.answer(request)


def not_found(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"trackResponse": {"shipment": [{"warnings": [{"code": "TW0001"}]}]}})


def adapter(ups: Ups | None = None, clock: Callable[[], datetime] = lambda: NOON, **settings: Any) -> UpsAdapter:
    given = {"client_id": "ups_client_id_test", "client_secret": "ups_client_secret_test", **settings}
    http = contract_client("https://ups.test", httpx.MockTransport(ups or Ups(not_found)))
    return UpsAdapter(UpsSettings(base_url="https://ups.test", **given), http, clock=clock)


def issued(ups: UpsAdapter, **headers: str) -> dict[str, Any]:
    answer = ups.token(Push(headers=headers, body=GRANT))
    assert answer.status == 200
    value: dict[str, Any] = json.loads(answer.body)
    return value


def event(code: str, time: str = "100000") -> Push:
    """An alert whose type and two-letter code say something else than the three-digit code."""
    status = {"type": "I", "code": "OT", "descriptionCode": code}
    when = {"gmtActivityDate": "20260115", "gmtActivityTime": time}
    return Push(body=json.dumps({"trackingNumber": LEG.tracking_number, "activityStatus": status, **when}).encode())


def pushed(bearer: str, key: str = "push-client") -> Push:
    return Push(headers={"authorization": f"Bearer {bearer}", "x-api-key": key}, body=b"{}")


def test_the_basic_header_is_the_sheets() -> None:
    [vector] = json.loads((FOLDER / "vectors.json").read_text())
    given = vector["inputs"]
    assert basic(given["client_id"], given["client_secret"]) == vector["expected"]["Authorization"]


def test_a_bearer_is_issued_for_basic_or_form_and_accepted_until_it_expires() -> None:
    clock = Clock()
    ups = adapter(clock=clock, **PUSH_CLIENT)
    answer = issued(ups, authorization=basic("push-client", "made-up-push-secret"))
    in_form = Push(body=GRANT + b"&client_id=push-client&client_secret=made-up-push-secret")
    assert json.loads(ups.token(in_form).body) == answer
    assert answer["token_type"] == "Bearer"
    ups.verify(pushed(answer["access_token"]))
    clock.now += timedelta(seconds=answer["expires_in"])
    with pytest.raises(BadSignature):
        ups.verify(pushed(answer["access_token"]))


def test_another_process_with_the_same_secret_accepts_the_bearer_and_one_with_another_does_not() -> None:
    bearer = issued(adapter(**PUSH_CLIENT), authorization=basic("push-client", "made-up-push-secret"))["access_token"]
    adapter(**PUSH_CLIENT).verify(pushed(bearer))
    with pytest.raises(BadSignature):
        adapter(push_client_id="push-client", push_client_secret="another").verify(pushed(bearer))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic 4pi6",
        "Basic /////w==",
        "Bearer made-up-push-secret",
        basic("push-client", ""),
        basic("push-client", "guess"),
        basic("ups_client_id_test", "ups_client_secret_test"),
        basic("", ""),
        "Basic é",
    ],
)
def test_nobody_else_is_issued_a_bearer(authorization: str) -> None:
    for settings in (PUSH_CLIENT, {}):
        with pytest.raises(BadSignature):
            adapter(**settings).token(Push(headers={"authorization": authorization}, body=GRANT))
        with pytest.raises(BadSignature):
            adapter(**settings).token(Push(headers={"authorization": authorization}, body=b"\xff"))


def test_another_grant_is_refused_in_the_words_of_the_rfc() -> None:
    headers = {"authorization": basic("push-client", "made-up-push-secret")}
    answer = adapter(**PUSH_CLIENT).token(Push(headers=headers, body=b"grant_type=password"))
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "unsupported_grant_type"})


def test_without_any_secret_no_push_is_taken() -> None:
    for headers in ({}, {"credential": ""}, {"authorization": "Bearer 9999999999.", "x-api-key": "ups_client_id_test"}):
        with pytest.raises(BadSignature):
            adapter().verify(Push(headers=headers, body=b"{}"))


@pytest.mark.parametrize("bearer", ["", ".", "9999999999", "9999999999.", "-1.x", "٩٩٩٩.x", "9" * 400 + ".x"])
def test_a_bearer_that_is_none_is_a_bad_signature(bearer: str) -> None:
    with pytest.raises(BadSignature):
        adapter(**PUSH_CLIENT).verify(pushed(bearer))


@pytest.mark.parametrize(
    "settings",
    [
        {"push_version": "v1"},
        {"push_version": "v1", "credential": "made-up"},
        {"push_version": "v1", "webhook_url": "https://gateway.test/webhooks/ups"},
        {"push_client_id": "push-client"},
        {"push_client_secret": "made-up"},
        {"credential": " "},
    ],
)
def test_half_a_push_configuration_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        adapter(**settings)


async def test_a_v1_subscription_carries_address_and_credential() -> None:
    ups = Ups(lambda request: httpx.Response(200, json={"validTrackingNumbers": [LEG.tracking_number]}))
    where = {"webhook_url": "https://gateway.test/webhooks/ups", "credential": "made-up"}
    await adapter(ups, push_version="v1", **where).subscribe(LEG)
    [request] = ups.asked
    assert request.url.path == "/api/track/v1/subscription/standard/package"
    assert json.loads(request.content)["destination"] == {
        "url": "https://gateway.test/webhooks/ups",
        "credentialType": "Bearer",
        "credential": "made-up",
    }


async def test_an_enhanced_subscription_names_its_events() -> None:
    ups = Ups(lambda request: httpx.Response(200, json={"validTrackingNumbers": [LEG.tracking_number]}))
    await adapter(ups, subscription_type="enhanced", event_preferences=("D", "X")).subscribe(LEG)
    assert ups.asked[0].url.path == "/api/track/v2/subscription/enhanced/package"
    assert json.loads(ups.asked[0].content)["eventPreferences"] == ["D", "X"]


async def test_a_bearer_is_fetched_once_for_all_who_wait_and_again_before_it_ends() -> None:
    clock, ups = Clock(), Ups(not_found)
    asking = adapter(ups, clock)
    await asyncio.gather(*(asking.poll([LEG]) for _ in range(5)))
    assert ups.tokens == 1
    clock.now += timedelta(seconds=14399 - 30)
    await asking.poll([LEG])
    assert ups.tokens == 2
    assert len({request.headers["transid"] for request in ups.asked}) == len(ups.asked)


async def test_refused_bearers_are_replaced_once_per_call_and_no_more() -> None:
    ups = Ups(lambda request: httpx.Response(401, json={"response": {"errors": [{"code": "250002"}]}}))
    with pytest.raises(Refused) as refusal:
        await adapter(ups).poll([LEG])
    assert (ups.tokens, len(ups.asked), refusal.value.config, refusal.value.code) == (2, 2, True, "250002")
    assert len({request.headers["transid"] for request in ups.asked}) == 2


async def test_booking_without_an_account_asks_nobody() -> None:
    parcel = json.loads((FOLDER / "deeds" / "book.json").read_text())["args"]["parcel"]
    ups = Ups(not_found)
    with pytest.raises(Refused, match="shipper_number") as refusal:
        await adapter(ups).book(TypeAdapter(Parcel).validate_python(parcel), "case-7")
    assert refusal.value.config
    assert ups.asked == []


def test_every_three_digit_code_means_what_the_sheet_says_and_the_others_are_unknown() -> None:
    rows = [row.split() for row in SHEET.replace("|", "\n").strip().splitlines()]
    wanted = {code: tuple(means.split("/")) for means, *codes in rows for code in codes}
    read = {f"{number:03}": adapter().receive(event(f"{number:03}")) for number in range(1000)}
    got = {code: (str(scan.status), str(scan.reason or "")) for code, [scan] in read.items()}
    assert {code: means for code, means in got.items() if means[0] != "unknown"} == wanted


def test_a_plan_to_hold_the_parcel_moves_nothing() -> None:
    scans = [scan for push in (event("005", "100000"), event("106", "110000")) for scan in adapter().receive(push)]
    folded = fold_scans(scans)
    assert folded.status is Status.IN_TRANSIT
    assert folded.progress_at == datetime(2026, 1, 15, 10, tzinfo=UTC)
    assert folded.contact_at == datetime(2026, 1, 15, 11, tzinfo=UTC)
