"""An answer that is known beforehand: head and body are bytes, sent as they are.

What aiohttp does to put a head together costs as much as everything else of a read (docs/performance.md).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter


class Ready(web.StreamResponse):
    """The same answer for everyone who asks in a way that `suits`; others get it `plain`.

    It is sent any number of times, also at once, so nothing of a request is kept in it.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | None = None) -> None:
        """headers: ours, without line ends; the date and the length are added. body: None where there is none (304)."""
        super().__init__(status=status, headers=headers)
        if body is not None:
            self.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        self._head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}".encode()
        self._content = body
        self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it. Raise ConnectionResetError when nobody is there any more."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the reader has hung up")
        transport.write(b"".join((self._head, _date(int(time.time())), self._content or b"")))
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything was sent."""

    def plain(self) -> web.Response:
        """As aiohttp sends it: for HEAD, HTTP/1.0 and connections that end."""
        return web.Response(status=self.status, headers=self.headers, body=self._content)


def suits(request: web.BaseRequest) -> bool:
    """Whether nothing about the request changes the head: a GET whose connection stays open."""
    return request.method == hdrs.METH_GET and request.version == HttpVersion11 and request.keep_alive


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    """The last line of a head, made once a second."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
