"""The one door out: every provider is called through a client made here.

httpx in front (so that respx and `MockTransport` see everything), aiohttp's connections behind it: httpx's own pool is
slow with many of them (`design/probes.md`). Failures become `ContractError`s in `gateway.contract.client`; here they
are made honest first: a connection that broke after the request may have gone out is never "could not connect".
"""

from __future__ import annotations

import asyncio

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from gateway.contract.client import MappedTransport, is_deed, raise_for_answer
from gateway.contract.errors import Unavailable

TIMEOUT = httpx.Timeout(10, connect=3)
#: A whole exchange, however slowly the other side trickles.
DEADLINE = 30.0
#: More than any documented answer; what is larger is not the documented shape.
MAX_ANSWER = 16 << 20


class _Honest(httpx.AsyncBaseTransport):
    """aiohttp's errors as what they are: only a failed connect means that nothing was sent."""

    def __init__(self, inner: httpx.AsyncBaseTransport, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._inner.handle_async_request(request)
                return await _whole(response)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer within {self._deadline:g} s", request=request) from error
        except httpx.RequestError as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise
            if isinstance(error.__cause__, aiohttp.ClientConnectionError):
                raise httpx.ReadError(f"the connection broke: {error.__cause__}", request=request) from error
            raise
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:
            raise httpx.RemoteProtocolError(f"not an HTTP answer: {error}", request=request) from error

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _whole(response: httpx.Response) -> httpx.Response:
    """The answer with its body read under the deadline and the limit, still encoded as it came."""
    chunks, size = [], 0
    try:
        async for chunk in response.stream:  # type: ignore[union-attr]
            size += len(chunk)
            if size > MAX_ANSWER:
                raise httpx.ReadError(f"an answer of more than {MAX_ANSWER} bytes", request=response.request)
            chunks.append(chunk)
    finally:
        await response.stream.aclose()  # type: ignore[union-attr]
    response.stream = httpx.ByteStream(b"".join(chunks))
    return response


def _line_failed(error: BaseException) -> bool:
    """The line failed, not the provider: its own 5xx and 429 are left to the caller's backoff."""
    return isinstance(error, Unavailable) and not error.code


#: Made once: it costs more to make than the rest of a try that succeeds.
_TWICE = AsyncRetrying(
    stop=stop_after_attempt(2), wait=wait_random(0.05, 0.3), retry=retry_if_exception(_line_failed), reraise=True
)


class _OnceMore(httpx.AsyncBaseTransport):
    """Reads whose line failed are tried once more, soon. A deed never is."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if is_deed(request):
            return await self._inner.handle_async_request(request)
        return await _TWICE.copy()(self._inner.handle_async_request, request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _session(connections: int) -> aiohttp.ClientSession:
    """Adds nothing of its own: no cookies of one provider for another, no content type that was not signed."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=15),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers={"Content-Type"},
    )


class Outside:
    """Makes the clients of all plugins over one shared pool of connections. Close it at the end."""

    def __init__(self, *, connections: int = 100, deadline: float = DEADLINE) -> None:
        pool = AiohttpTransport(client=lambda: _session(connections), trust_env=False)
        self._transport = _OnceMore(MappedTransport(_Honest(pool, deadline)))

    def client(self, base_url: str = "") -> httpx.AsyncClient:
        """A client for one provider: answers that are not 2xx and failures of the line are already ContractErrors."""
        return httpx.AsyncClient(
            base_url=base_url,
            transport=self._transport,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "carrier-gateway"},
            event_hooks={"response": [raise_for_answer]},
        )

    async def close(self) -> None:
        await self._transport.aclose()
