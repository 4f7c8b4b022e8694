"""The load: a process of its own that keeps N connections busy with ready-made requests and checks every answer.

Started as `python -m tests.bench.load` with a Job as JSON on stdin; prints a Tally as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """requests: raw HTTP/1.1, sent in turn, as latin-1 text. expect: the only status that is right. core: to run on."""

    port: int
    requests: list[str]
    expect: int
    connections: int
    seconds: float
    warm: float
    core: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """rate: answers per second. body: bytes of the last answer's body. busy: the share of its core the load took."""

    rate: float
    p50_ms: float
    p99_ms: float
    body: int
    busy: float


class WrongAnswer(Exception):
    """The server did not answer what it was measured for."""


class Meter:
    """Times of the answers that came between the end of the warm-up and the end."""

    def __init__(self, job: Job) -> None:
        self.expect = job.expect
        self.requests: Iterator[bytes] = cycle([request.encode("latin-1") for request in job.requests])
        self.times: list[float] = []
        self.body = 0
        self.counting = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, seconds: float, status: int, body: int) -> None:
        if status != self.expect:
            self.fail(WrongAnswer(f"status {status} instead of {self.expect}"))
        self.body = body
        if self.counting:
            self.times.append(seconds)

    def fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at a time."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._held = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape, not by class
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self.transport.write(next(self._meter.requests))

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        end = held.find(_HEAD_END)
        body = _body_length(held[:end]) if end >= 0 else 0
        if end < 0 or len(held) < end + len(_HEAD_END) + body:
            self._held = held
            return
        self._held = b""
        self._meter.answered(time.perf_counter() - self._sent, int(held[9:12]), body)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._meter.fail(WrongAnswer(f"the connection was closed: {exc}"))


def _body_length(head: bytes) -> int:
    """Bytes of the body that follows; a 304 has none whatever it says."""
    at = head.lower().find(_LENGTH)
    if at < 0 or head[9:12] == b"304":
        return 0
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


async def run(job: Job) -> Tally:
    """Warm up, measure, and let go. Raise WrongAnswer at the first answer that is not the expected one."""
    loop, meter = asyncio.get_running_loop(), Meter(job)
    opened = [
        await loop.create_connection(lambda: Connection(meter), "127.0.0.1", job.port) for _ in range(job.connections)
    ]
    await _while(meter, job.warm)
    meter.counting, began, spent = True, time.perf_counter(), time.process_time()
    await _while(meter, job.seconds)
    took, used = time.perf_counter() - began, time.process_time() - spent
    tally = _tally(meter, took, used)
    meter.failed.cancel()  # from here on a connection may close
    for transport, _ in opened:
        transport.abort()
    return tally


async def _while(meter: Meter, seconds: float) -> None:
    """So long, or until an answer was wrong."""
    await asyncio.wait([meter.failed], timeout=seconds)
    if meter.failed.done():
        meter.failed.result()


def _tally(meter: Meter, took: float, used: float) -> Tally:
    times = sorted(meter.times)
    if not times:
        raise WrongAnswer("no answer came while it was measured")
    return Tally(
        rate=len(times) / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
        body=meter.body,
        busy=used / took,
    )


def main() -> None:
    job = Job(**json.load(sys.stdin))
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    print(json.dumps(asdict(uvloop.run(run(job)))))  # noqa: T201 - read by whoever started us


if __name__ == "__main__":
    main()
