"""What an adapter's client does with answers and with silence: shared by the gateway's client and the compliance suite.

An adapter never looks at a status code: anything that is not 2xx has become a `ContractError` before it sees it, and so
has every failure of the line. What a failure means depends on the request: of a deed (`DEED`) nobody knows whether it
was done once it may have left the house.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from gateway.contract.carrier import DEED
from gateway.contract.errors import BadPayload, ContractError, OutcomeUnknown, Refused, TryAgain, Unavailable, error_for
from gateway.contract.reading import load_object

#: Failures of the line before anything of the request can have reached the other side.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

#: Answers of something between us and the provider, which itself had no answer: for a deed that is silence.
_SILENCE = {502, 504}


def is_deed(request: httpx.Request) -> bool:
    """Whether the request was marked with `extensions=DEED`: never to be repeated by the client."""
    return bool(request.extensions.get("deed"))


def transport_error(error: httpx.RequestError, request: httpx.Request) -> TryAgain:
    """What a failure of the line means: OutcomeUnknown for a deed that may have been sent, otherwise Unavailable."""
    detail = f"{type(error).__name__}: {error}".rstrip(": ")
    if is_deed(request) and not isinstance(error, NOT_SENT):
        return OutcomeUnknown(detail)
    return Unavailable(detail)


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Seconds of a Retry-After header in either form (RFC 9110 10.2.3), never negative; None when it says nothing."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def response_error(response: httpx.Response, now: datetime) -> ContractError | None:
    """The error of an answer whose body has been read; None for 2xx."""
    if response.is_success:
        return None
    if response.status_code in _SILENCE and is_deed(response.request):
        return OutcomeUnknown(f"HTTP {response.status_code}", code=str(response.status_code))
    return error_for(response.status_code, retry_after=retry_after(response, now), body=response.content)


async def raise_for_answer(response: httpx.Response) -> None:
    """A response hook for httpx: reads the body, then raises what the status means."""
    with mapped(response.request):
        await response.aread()
    error = response_error(response, datetime.now(UTC))
    if error is not None:
        raise error


class mapped:  # noqa: N801 - read as a word after `with`
    """Turn failures of the line inside the block into `ContractError`s."""

    __slots__ = ("_request",)

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.RequestError):
            raise transport_error(error, self._request) from error


class MappedTransport(httpx.AsyncBaseTransport):
    """Another transport, with its failures turned into `ContractError`s."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with mapped(request):
            return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


def contract_client(base_url: str, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """A client as an adapter may expect it: the mapping and nothing else (no retry, no throttle)."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=MappedTransport(transport),
        event_hooks={"response": [raise_for_answer]},
    )


@contextmanager
def unread(*, deed: bool) -> Iterator[None]:
    """Around the reading of an answer: one to a deed that cannot be read leaves its outcome unknown."""
    try:
        yield
    except BadPayload as error:
        if not deed:
            raise
        raise OutcomeUnknown(f"an answer that cannot be read: {error.detail}") from error


async def ask(
    http: httpx.AsyncClient, method: str, address: str, *, deed: bool = False, **request: Any
) -> dict[str, Any]:
    """The JSON object that a provider answers. request: params, json, content, headers ... as httpx takes them."""
    response = await http.request(method, address, extensions=DEED if deed else {}, **request)
    with unread(deed=deed):
        return load_object(response.content)


async def post_form(
    http: httpx.AsyncClient, address: str, fields: Mapping[str, str], *, deed: bool = False
) -> dict[str, Any]:
    """A form in, a JSON object out: how most Chinese carriers are asked. What was signed is sent as it is."""
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    return await ask(http, "POST", address, deed=deed, content=urlencode(fields).encode(), headers=kind)


@contextmanager
def explained(read: Callable[[dict[str, Any]], tuple[str, str]], config: Collection[str] = ()) -> Iterator[None]:
    """Around a call: a refusal gets the provider's own code and message, where `read` finds them in its body.

    read: raises BadPayload where they are not. config: codes of what a person has to mend.
    """
    try:
        yield
    except Refused as no:
        try:
            code, said = read(load_object(no.body))
        except BadPayload:
            raise no from no.__cause__
        mends = no.config or code in config
        detail, code = f"{code}: {said[:500]}", code or no.code
        raise Refused(detail, code=code, status=no.status, body=no.body, config=mends) from no


class Forgiven:
    """Around a call: a refusal that is an answer after all ("not found (yet)", "cancelled already") ends the block.

    One that a person has to mend is never an answer.
    """

    def __init__(self, is_answer: Callable[[Refused], object]) -> None:
        self._is_answer = is_answer

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, Refused) and not error.config and bool(self._is_answer(error))
