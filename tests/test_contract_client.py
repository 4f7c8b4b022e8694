"""What answers and silence mean: the mapping that the gateway's client and the compliance suite share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
import pytest

from gateway.contract import ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.carrier import DEED
from gateway.contract.client import contract_client, retry_after

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


async def ask(answer: Callable[[httpx.Request], httpx.Response], *, deed: bool) -> ContractError:
    async with contract_client("https://carrier.test", httpx.MockTransport(answer)) as http:
        with pytest.raises(ContractError) as raised:
            await http.post("/do", extensions=DEED if deed else {})
    return raised.value


@pytest.mark.parametrize(
    ("status", "read", "deed"),
    [
        (500, Unavailable, Unavailable),
        (503, Unavailable, Unavailable),
        (429, Unavailable, Unavailable),
        (408, Unavailable, Unavailable),
        (502, Unavailable, OutcomeUnknown),
        (504, Unavailable, OutcomeUnknown),
        (404, Refused, Refused),
        (302, Refused, Refused),
    ],
)
async def test_a_status_is_an_error(status: int, read: type[ContractError], deed: type[ContractError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"result": "ok"})

    assert type(await ask(answer, deed=False)) is read
    assert type(await ask(answer, deed=True)) is deed


@pytest.mark.parametrize(
    ("failure", "deed"),
    [
        (httpx.ConnectError, Unavailable),
        (httpx.ConnectTimeout, Unavailable),
        (httpx.PoolTimeout, Unavailable),
        (httpx.ReadTimeout, OutcomeUnknown),
        (httpx.ReadError, OutcomeUnknown),
        (httpx.WriteError, OutcomeUnknown),
        (httpx.RemoteProtocolError, OutcomeUnknown),
    ],
)
async def test_silence_after_a_deed_may_be_a_yes(failure: type[httpx.RequestError], deed: type[ContractError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("lost", request=request)

    assert type(await ask(answer, deed=False)) is Unavailable
    assert type(await ask(answer, deed=True)) is deed


class _Breaks(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"id":'
        raise httpx.ReadError("gone")


async def test_an_answer_that_breaks_off_is_no_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=_Breaks())

    assert type(await ask(answer, deed=True)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("Thu, 05 Mar 2026 12:01:30 GMT", 90.0),
        ("Thu, 05 Mar 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(503, headers={"retry-after": header}), NOW) == seconds
