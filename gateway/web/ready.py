"""An answer that is known beforehand: head and body are bytes, sent as they are.

What aiohttp does to put a head together costs as much as everything else of a read (docs/performance.md); here it is
put together once for all who are told the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter


class Ready(web.StreamResponse):
    """Head and body as bytes, for the requests that `suits` lets through."""

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status=status)
        self._bytes = b"".join((head, _date(int(time.time())), body))
        self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it. Raise ConnectionResetError when nobody is there any more."""
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("the reader has hung up")
        request.transport.write(self._bytes)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything was sent."""


def suits(request: web.BaseRequest) -> bool:
    """Whether nothing about the request changes the head: a GET whose connection stays open."""
    return request.method == hdrs.METH_GET and request.version == HttpVersion11 and request.keep_alive


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of an answer, all but its date. headers: names and values of ours, without line ends."""
    lines = (f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}".encode()


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    """The last line of a head, made once a second."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
