"""The load: a process of its own that keeps connections busy with ready-made requests and checks every answer.

It drives both sides of a pair, in turn and in short rounds: what disturbs the machine disturbs both.
Started as `python -m tests.bench.load` with a Job as JSON on stdin; prints a Tally as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """requests: raw HTTP/1.1, sent in turn, as latin-1 text. expect: the only status that is right."""

    port: int
    requests: Sequence[str]
    expect: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """connections: to each target. seconds: each is counted per round, after `warm` that are not. core: to run on."""

    targets: Sequence[Target]
    connections: int
    rounds: int
    seconds: float
    warm: float
    core: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of one target. rates: answers per second, by round. body: bytes of the last answer's body."""

    rates: Sequence[float]
    p50_ms: float
    p99_ms: float
    body: int


class WrongAnswer(Exception):
    """The server did not answer what it was measured for."""


class Meter:
    """One target: its connections, and the times of the answers that are counted."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.requests: Iterator[bytes] = cycle([request.encode("latin-1") for request in target.requests])
        self.resting: list[Connection] = []
        self.rates: list[float] = []
        self.times: list[float] = []
        self.body = 0
        self.running = self.counting = False
        self.news = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, connection: Connection, seconds: float, status: int, body: int) -> None:
        if status != self.target.expect:
            self.fail(WrongAnswer(f"status {status} instead of {self.target.expect}"))
        self.body = body
        if self.counting:
            self.times.append(seconds)
        if self.running:
            connection.send()
        else:
            self.rest(connection)

    def rest(self, connection: Connection) -> None:
        self.resting.append(connection)
        self.news.set()

    def fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
            self.news.set()

    async def wait(self, seconds: float) -> None:
        """So long, or until an answer was wrong. Raise WrongAnswer."""
        await asyncio.wait([self.failed], timeout=seconds)
        self.check()

    def check(self) -> None:
        if self.failed.done():
            self.failed.result()

    async def round(self, job: Job) -> None:
        """Send, count, and let every connection come to rest. Raise WrongAnswer."""
        self.running, waiting = True, self.resting
        self.resting = []
        for connection in waiting:
            connection.send()
        await self.wait(job.warm)
        before, began, self.counting = len(self.times), time.perf_counter(), True
        await self.wait(job.seconds)
        self.counting = False
        self.rates.append((len(self.times) - before) / (time.perf_counter() - began))
        self.running = False
        while len(self.resting) < job.connections:
            self.news.clear()
            await self.news.wait()
            self.check()

    def tally(self) -> Tally:
        times = sorted(self.times)
        if not times:
            raise WrongAnswer("no answer came while it was measured")
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        return Tally(rates=self.rates, p50_ms=p50 * 1000, p99_ms=p99 * 1000, body=self.body)


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._held = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape, not by class
        self._meter.rest(self)

    def send(self) -> None:
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
        self._meter.answered(self, time.perf_counter() - self._sent, int(held[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._meter.fail(WrongAnswer(f"the connection was closed: {exc}"))


class Once(Meter):
    """A meter whose requests are each sent once."""

    def __init__(self, port: int, requests: Iterable[bytes], count: int) -> None:
        super().__init__(Target(port=port, requests=[""]))
        self.left, self.requests, self.done = count, iter(requests), asyncio.Event()

    def answered(self, connection: Connection, seconds: float, status: int, body: int) -> None:
        if status != self.target.expect:
            self.fail(WrongAnswer(f"status {status} instead of {self.target.expect}"))
        self.left -= 1
        if not self.left:
            self.done.set()
        self._next(connection)

    def _next(self, connection: Connection) -> None:
        try:
            connection.send()
        except StopIteration:
            self.rest(connection)

    async def run(self, connections: int, patience: float) -> tuple[float, float]:
        """When the first was sent and the last answered, by the machine's clock; at most `patience` seconds.

        What was not answered by then is `left`. Raise WrongAnswer.
        """
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(partial(Connection, self), "127.0.0.1", self.target.port)
        waiting, self.resting, began = self.resting, [], time.monotonic()
        for connection in waiting:
            self._next(connection)
        finished = asyncio.create_task(self.done.wait())
        await asyncio.wait([finished, self.failed], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        ended = time.monotonic()
        finished.cancel()
        self.check()
        self.failed.cancel()  # from here on connections may close
        for connection in waiting:
            connection.transport.abort()
        return began, ended


def _body_length(head: bytes) -> int:
    """Bytes of the body that follows; a 304 has none whatever it says."""
    at = head.lower().find(_LENGTH)
    if at < 0 or head[9:12] == b"304":
        return 0
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


async def run(job: Job) -> list[Tally]:
    """Every target in turn, so many rounds; who was last goes first in the next. Raise WrongAnswer at the first one."""
    loop, meters = asyncio.get_running_loop(), [Meter(target) for target in job.targets]
    for meter in meters:
        for _ in range(job.connections):
            await loop.create_connection(partial(Connection, meter), "127.0.0.1", meter.target.port)
    for number in range(job.rounds):
        for meter in meters if number % 2 == 0 else reversed(meters):
            await meter.round(job)
    tallies = [meter.tally() for meter in meters]
    for meter in meters:
        meter.failed.cancel()  # from here on connections may close
        for connection in meter.resting:
            connection.transport.abort()
    return tallies


def main() -> None:
    said = json.load(sys.stdin)
    job = Job(**{**said, "targets": [Target(**target) for target in said["targets"]]})
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    tallies = uvloop.run(run(job))
    print(json.dumps([asdict(tally) for tally in tallies]))  # noqa: T201 - read by whoever started us


if __name__ == "__main__":
    main()
