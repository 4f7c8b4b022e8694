"""An answer made once is the same on the wire as aiohttp's own, for every way of asking."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.cache import Rendered
from gateway.web.conditional import conditional

_BODY = b'{"text":"' + b"x" * 2000 + b'"}'
_ANSWER = Rendered(status=200, etag='"abc"', body=_BODY)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def handler(request: web.Request) -> web.StreamResponse:
        return conditional(request, _ANSWER, "en")

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def ask(port: int, start: str, *headers: str, times: int = 1) -> list[tuple[int, dict[str, str], bytes]]:
    """Answers to the same request, `times` on one connection: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([start, "Host: x", *headers, "", ""]).encode() * times)
    answers = [await _answer(reader, start) for _ in range(times)]
    writer.close()
    await writer.wait_closed()
    return answers


async def _answer(reader: asyncio.StreamReader, start: str) -> tuple[int, dict[str, str], bytes]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    status = int(first.split()[1])
    empty = start.startswith("HEAD") or status == 304
    return status, headers, b"" if empty else await reader.readexactly(int(headers["Content-Length"]))


async def test_pipelined_requests_get_an_answer_each(port: int) -> None:
    answers = await ask(port, "GET / HTTP/1.1", times=3)
    assert [(status, body) for status, _, body in answers] == [(200, _BODY)] * 3
    assert all({"Date", "ETag", "Cache-Control", "Vary"} <= set(headers) for _, headers, _ in answers)


@pytest.mark.parametrize(
    ("start", "extra"), [("GET / HTTP/1.0", ""), ("GET / HTTP/1.1", "Connection: close"), ("HEAD / HTTP/1.1", "X: y")]
)
async def test_other_ways_of_asking_are_told_the_same(port: int, start: str, extra: str) -> None:
    ((_, usual, _),) = await ask(port, "GET / HTTP/1.1")
    ((status, headers, body),) = await ask(port, start, extra or "X: y")
    assert status == 200
    assert body == (b"" if start.startswith("HEAD") else _BODY)
    assert {**usual, **headers, "Date": ""} == {**headers, "Date": ""}


async def test_what_the_reader_has_is_not_sent_again(port: int) -> None:
    ((status, headers, _), (again, _, _)) = await ask(port, "GET / HTTP/1.1", 'If-None-Match: "abc"', times=2)
    assert (status, again) == (304, 304)
    assert headers["ETag"] == '"abc"'
    assert "Content-Length" not in headers


async def test_gzip_is_sent_to_those_who_take_it_and_only_to_them(port: int) -> None:
    ((_, squeezed, body),) = await ask(port, "GET / HTTP/1.1", "Accept-Encoding: gzip")
    ((_, plain, whole),) = await ask(port, "GET / HTTP/1.1")
    assert (squeezed["Content-Encoding"], gzip.decompress(body)) == ("gzip", _BODY)
    assert "Content-Encoding" not in plain
    assert whole == _BODY
