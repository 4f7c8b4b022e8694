"""What adapters share: tables, texts, calls, refusals and tokens."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from gateway.contract import BadPayload, BadSignature, Meaning, OutcomeUnknown, Push, Refused, Token, TokenCache
from gateway.contract.client import Forgiven, ask, contract_client, explained
from gateway.contract.meanings import handed_back, table, told
from gateway.contract.reading import china_time, form_bytes, given_time, inside, joined, optional, text
from gateway.contract.signing import only_by_path, unsigned
from gateway.contract.tokens import client_credentials, token_in
from gateway.contract.writing import INCH_MM, POUND_G, domestic, filled, measured, millis
from gateway.domain import Basis, Reason, Scan, Status

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return contract_client("https://carrier.test", httpx.MockTransport(answer))


def says(status: int, **answer: Any) -> httpx.AsyncClient:
    return client(lambda request: httpx.Response(status, json=answer))


def scan(status: Status, hours: int) -> Scan:
    return Scan(tracking_number="1", at=NOON + timedelta(hours=hours), basis=Basis.GIVEN, status=status)


def test_a_table_knows_its_words_by_door_and_takes_none_twice() -> None:
    read = table(("GOT 收件", Status.PICKED_UP), ("LOST", Status.EXCEPTION, Reason.LOST), door="push:")
    assert read == {
        "push:GOT": Meaning(Status.PICKED_UP),
        "push:收件": Meaning(Status.PICKED_UP),
        "push:LOST": Meaning(Status.EXCEPTION, Reason.LOST),
    }
    with pytest.raises(ValueError, match="GOT"):
        table(("GOT", Status.PICKED_UP), ("X GOT", Status.PICKED_UP))


def test_the_first_pattern_that_is_found_wins() -> None:
    assert told({"拒收": 1, "破损|拒": 2}, "客户拒收") == 1
    assert told({"破损": 2}, "客户拒收") is None


def test_a_delivery_no_earlier_than_a_return_is_the_senders_whatever_the_order() -> None:
    scans = [scan(Status.DELIVERED, 2), scan(Status.RETURNING, 1), scan(Status.DELIVERED, 0)]
    told_of = [(one.status, one.inferred) for one in handed_back(scans)]
    assert told_of == [(Status.RETURNED, True), (Status.RETURNING, False), (Status.DELIVERED, False)]
    assert handed_back(scans, lambda one: False) == scans


def test_what_is_empty_is_left_out_and_nought_is_not_empty() -> None:
    assert filled({"a": "", "b": None, "c": 0, "d": False, "e": []}) == {"c": 0, "d": False, "e": []}


def test_measures_are_never_less_than_the_parcel() -> None:
    assert [str(measured(1000, POUND_G)), str(measured(254, INCH_MM))] == ["2.3", "10.0"]


def test_phones_times_and_places_are_written_as_they_are_read() -> None:
    assert [domestic("+8613800005514"), domestic("+12025550123")] == ["13800005514", "+12025550123"]
    assert millis(NOON) == "1772712000000"
    assert china_time({"at": "2026-03-05 20:00:00"}, "at") == NOON
    assert joined({"city": "Ghent", "state": None, "country": "BE"}, "city", "state", "country") == "Ghent, BE"
    assert optional({"status": None}, "status") == {}
    assert given_time({"at": "2026-03-05T12:00:00Z"}, "at") == (NOON, Basis.GIVEN)
    assert given_time({"at": "2026-03-05T12:00:00"}, "at") == (NOON, Basis.UNKNOWN)
    with pytest.raises(BadPayload, match="at"):
        china_time({}, "at")


def test_the_bytes_of_a_form_field_are_the_first_ones() -> None:
    assert form_bytes(b"x=1&data=%D6%D0+a&data=2", "data") == "中 a".encode("gbk")
    assert form_bytes(b"xdata=1", "data") == b""


def test_what_cannot_be_read_is_not_signed_and_what_is_not_signed_needs_the_path() -> None:
    with pytest.raises(BadSignature), unsigned():
        raise BadPayload("not a form")
    only_by_path(Push(token="secret-path"))
    for token in (None, ""):
        with pytest.raises(BadSignature):
            only_by_path(Push(token=token))


async def test_an_answer_to_a_deed_that_cannot_be_read_leaves_its_outcome_unknown() -> None:
    rubbish = client(lambda request: httpx.Response(200, text="<html>"))
    with pytest.raises(BadPayload):
        await ask(rubbish, "GET", "/track")
    with pytest.raises(OutcomeUnknown):
        await ask(rubbish, "POST", "/book", deed=True)


async def test_a_refusal_is_told_in_the_providers_words_where_it_has_any() -> None:
    def read(answer: dict[str, Any]) -> tuple[str, str]:
        return text(inside(answer, "error"), "code"), text(inside(answer, "error"), "message")

    with pytest.raises(Refused, match="E7: no credit") as refused, explained(read, {"E7"}):
        await ask(says(422, error={"code": "E7", "message": "no credit"}), "GET", "/track")
    assert (refused.value.code, refused.value.status, refused.value.config) == ("E7", 422, True)
    with pytest.raises(Refused) as bare, explained(read):
        await ask(says(422), "GET", "/track")
    assert (bare.value.code, bare.value.status) == ("422", 422)


async def test_a_refusal_that_is_an_answer_is_forgiven_unless_a_person_has_to_mend_it() -> None:
    with Forgiven(lambda no: no.status == 404):
        await ask(says(404), "GET", "/track")
    for status in (400, 401):
        with pytest.raises(Refused), Forgiven(lambda no: no.status != 400):
            await ask(says(status), "GET", "/track")


@pytest.mark.parametrize("in_form", [False, True])
async def test_client_credentials_go_in_basic_or_in_the_form(in_form: bool) -> None:
    asked: list[httpx.Request] = []

    def issue(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "t", "expires_in": "60"})

    token = await client_credentials(client(issue), "/token", ("me", "made-up"), NOON, in_form=in_form, scope="track")
    form = {name: values[0] for name, values in parse_qs(asked[0].content.decode()).items()}
    assert token == Token(value="t", expires_at=NOON + timedelta(seconds=60))
    assert form == {"grant_type": "client_credentials", "scope": "track"} | (
        {"client_id": "me", "client_secret": "made-up"} if in_form else {}
    )
    proof = "Basic " + b64encode(b"me:made-up").decode()
    assert asked[0].headers.get("authorization") == (None if in_form else proof)


@pytest.mark.parametrize("life", ["", "soon", "nan", "1e400", None])
def test_a_token_without_a_readable_life_is_a_bad_payload(life: str | None) -> None:
    with pytest.raises(BadPayload):
        token_in({"access_token": "t", "expires_in": life}, NOON)


async def test_a_token_refused_by_the_providers_own_code_is_replaced_once() -> None:
    issued: list[str] = []

    async def fetch() -> Token:
        issued.append(f"t{len(issued)}")
        return Token(value=issued[-1], expires_at=NOON + timedelta(hours=1))

    async def call(token: str) -> str:
        if token == "t0":
            raise Refused("expired", code="A1006")
        return token

    assert await TokenCache(fetch, lambda: NOON, refused={"A1006"}).use(call) == "t1"
    with pytest.raises(Refused):
        await TokenCache(fetch, lambda: NOON).use(lambda token: call("t0"))
    assert issued == ["t0", "t1", "t2"]
