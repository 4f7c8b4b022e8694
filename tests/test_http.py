"""The door out, against a real server on a socket that misbehaves in every way we know."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.contract import OutcomeUnknown, Refused, Unavailable
from gateway.contract.carrier import DEED
from gateway.http import Outside
from tests.servers import free_port

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A TCP server whose every connection is handled by the current `answer`."""

    def __init__(self) -> None:
        self.requests = 0
        self.heads: list[str] = []
        self.answer: Answer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            self.requests += 1
            await self.answer(reader, writer)
        finally:
            writer.close()


def answering(raw: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.fixture
async def peer() -> AsyncIterator[tuple[Peer, str]]:
    handler = Peer()
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield handler, f"http://127.0.0.1:{port}"
    server.close()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    door = Outside(deadline=0.5)
    yield door
    await door.close()


async def test_a_good_answer_comes_through(peer: tuple[Peer, str], outside: Outside) -> None:
    async with outside.client(peer[1]) as http:
        assert (await http.get("/x")).text == "ok"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", Unavailable),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", Unavailable),
        (b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", Refused),
        (b"HTTP/1.1 302 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", Refused),
        (b"garbage\r\n\r\n", Unavailable),
        (b"", Unavailable),
    ],
)
async def test_what_is_not_an_answer_is_an_error_of_the_contract(
    peer: tuple[Peer, str], outside: Outside, raw: bytes, error: type[Exception]
) -> None:
    peer[0].answer = answering(raw)
    async with outside.client(peer[1]) as http:
        with pytest.raises(error) as caught:
            await http.get("/x")
    if b"Retry-After" in raw:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after == 7


@pytest.mark.parametrize("answer", [answering(b""), hang], ids=["dropped", "hung"])
async def test_a_deed_without_an_answer_is_unknown_and_is_sent_once(
    peer: tuple[Peer, str], outside: Outside, answer: Answer
) -> None:
    peer[0].answer = answer
    async with outside.client(peer[1]) as http:
        with pytest.raises(OutcomeUnknown):
            await http.post("/book", content=b"{}", extensions=DEED)
    assert peer[0].requests == 1


async def test_a_deed_that_could_not_be_sent_is_not_unknown(outside: Outside) -> None:
    async with outside.client(f"http://127.0.0.1:{free_port()}") as http:
        with pytest.raises(Unavailable):
            await http.post("/book", content=b"{}", extensions=DEED)


async def test_a_read_is_tried_once_more_when_the_line_fails(peer: tuple[Peer, str], outside: Outside) -> None:
    good = peer[0].answer

    async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer[0].answer = good

    peer[0].answer = first
    async with outside.client(peer[1]) as http:
        assert (await http.post("/query", content=b"{}")).text == "ok"
    assert peer[0].requests == 2


async def test_a_trickling_answer_ends_at_the_deadline(peer: tuple[Peer, str], outside: Outside) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n1")
        await reader.read()

    peer[0].answer = trickle
    async with outside.client(peer[1]) as http:
        with pytest.raises(Unavailable):
            await http.get("/x")


async def test_a_packed_answer_is_unpacked(peer: tuple[Peer, str], outside: Outside) -> None:
    packed = gzip.compress("已签收".encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    peer[0].answer = answering(head.encode() + packed)
    async with outside.client(peer[1]) as http:
        assert (await http.get("/x")).text == "已签收"
        peer[0].answer = answering(head.encode() + b"x" * len(packed))
        with pytest.raises(Unavailable):
            await http.get("/x")


async def test_an_answer_that_is_too_large_is_none(
    peer: tuple[Peer, str], outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.MAX_ANSWER", 1)
    async with outside.client(peer[1]) as http:
        with pytest.raises(Unavailable, match="more than 1 bytes"):
            await http.get("/x")


async def test_a_provider_gets_its_own_cookies_back_and_no_other_does(peer: tuple[Peer, str], outside: Outside) -> None:
    peer[0].answer = answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: at=node7\r\nContent-Length: 2\r\n\r\nok")
    async with outside.client(peer[1]) as http, outside.client(peer[1]) as other:
        for client in (http, http, other):
            await client.get("/x")
    assert ["cookie: at=node7" in head for head in peer[0].heads] == [False, True, False]


async def test_paths_and_queries_are_sent_as_they_were_given(peer: tuple[Peer, str], outside: Outside) -> None:
    async with outside.client(f"{peer[1]}/v1") as http:
        await http.get("/a", params={"n": "1"})
        await http.get("/a", params={"n": "2"})
        await http.get(f"{peer[1]}/b?n=3")
    assert [head.split()[1] for head in peer[0].heads] == ["/v1/a?n=1", "/v1/a?n=2", "/b?n=3"]
