"""The one door out: every provider is called through a client made here.

httpx in front (so that respx and `MockTransport` see everything), aiohttp's connections behind it: httpx's own pool is
slow with many of them (`design/probes.md`). Failures become `ContractError`s in `gateway.contract.client`; here they
are made honest first: a connection that broke after the request may have gone out is never "could not connect".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import aiohttp
import httpx

from gateway.contract.client import MappedTransport, is_deed, raise_for_answer
from gateway.contract.errors import Unavailable

TIMEOUT = httpx.Timeout(10, connect=3)
#: A whole exchange, however slowly the other side trickles.
DEADLINE = 30.0
#: More than any documented answer; what is larger is not the documented shape.
MAX_ANSWER = 16 << 20


class _Line(httpx.AsyncBaseTransport):
    """One try over aiohttp's connections: a whole answer under the deadline and the limit, or what really happened.

    The way through httpx-aiohttp and the streams of httpx costs more CPU than the exchange itself.
    """

    def __init__(self, session: Callable[[], aiohttp.ClientSession], deadline: float) -> None:
        self._make = session
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(request)
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientConnectionError as error:  # whatever else may have gone out before it broke
            raise httpx.ReadError(f"the connection broke: {error}", request=request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer within {self._deadline:g} s", request=request) from error
        except (aiohttp.InvalidUrlClientError, aiohttp.NonHttpUrlClientError) as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from error
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:
            raise httpx.RemoteProtocolError(f"not an HTTP answer: {error}", request=request) from error

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still encoded as it came."""
        if self._session is None:
            self._session = self._make()
        asked = self._session.request(
            request.method,
            str(request.url),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=await request.aread() or None,
            allow_redirects=False,
            auto_decompress=False,
            timeout=_timeout(**request.extensions.get("timeout", {})),
        )
        async with asked as answer:
            body = await _whole(answer.content, request)
            stream = httpx.ByteStream(body)
            return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream, request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _whole(stream: aiohttp.StreamReader, request: httpx.Request) -> bytes:
    chunks, size = [], 0
    while chunk := await stream.readany():
        size += len(chunk)
        if size > MAX_ANSWER:
            raise httpx.ReadError(f"an answer of more than {MAX_ANSWER} bytes", request=request)
        chunks.append(chunk)
    return b"".join(chunks)


@lru_cache(maxsize=64)
def _timeout(
    connect: float | None = None, read: float | None = None, write: float | None = None, pool: float | None = None
) -> aiohttp.ClientTimeout:
    """httpx's timeouts as aiohttp has them; it has none for writing."""
    return aiohttp.ClientTimeout(sock_connect=connect, sock_read=read, connect=pool)


class _OnceMore(httpx.AsyncBaseTransport):
    """Reads whose line failed are tried once more, soon. A deed never is."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(request)
        except Unavailable as error:
            if is_deed(request) or error.code:  # a code: the provider failed, not the line; that is for the caller
                raise
        await asyncio.sleep(random.uniform(0.05, 0.3))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


#: What asks for nothing in particular.
_PLAIN = {httpx.USE_CLIENT_DEFAULT, None, False}


class _Client(httpx.AsyncClient):
    """httpx without the way through auth flows, redirects and cookie jars, where a request needs none of them."""

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: str) -> None:
        super().__init__(
            base_url=base_url,
            transport=transport,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "carrier-gateway"},
            event_hooks={"response": [raise_for_answer]},
        )
        self._line = transport
        merged = super().build_request
        self._at = lru_cache(maxsize=256)(lambda address: merged("GET", address).url)

    def build_request(self, method: str, url: httpx.URL | str, **given: Any) -> httpx.Request:
        return super().build_request(method, self._at(url), **given)

    async def send(self, request: httpx.Request, **given: Any) -> httpx.Response:
        if self.cookies or not set(given.values()) <= _PLAIN:
            return await super().send(request, **given)
        response = await self._line.handle_async_request(request)
        await raise_for_answer(response)
        if "set-cookie" in response.headers:
            self.cookies.extract_cookies(response)
        return response


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
        self._transport = _OnceMore(MappedTransport(_Line(lambda: _session(connections), deadline)))

    def client(self, base_url: str = "") -> httpx.AsyncClient:
        """A client for one provider: answers that are not 2xx and failures of the line are already ContractErrors."""
        return _Client(self._transport, base_url)

    async def close(self) -> None:
        await self._transport.aclose()
