"""Ten times the webhooks that the gateway can take: it turns away what it cannot keep, and lives."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.domain import Status
from gateway.sandbox.records import Event
from tests.e2e.process import KEY, eventually
from tests.faults.finding import Finding
from tests.faults.load import Load, Parcel
from tests.faults.town import Town, town

#: Connections of the burst, each with one push under way: more than the gateway lets wait.
SENDERS = 3000


@dataclass(frozen=True, slots=True)
class Size:
    parcels: int
    measured: int  #: pushes by which the sustainable rate is measured
    seconds: float  #: of the burst


WHOLE, SHORT = Size(300, 2000, 60), Size(30, 200, 4)


@dataclass
class Answers:
    """statuses: 0 is none. hasty: a 503 without Retry-After."""

    statuses: Counter[int] = field(default_factory=Counter)
    hasty: int = 0
    seconds: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        return sorted(self.seconds)[int(part * (len(self.seconds) - 1))] if self.seconds else 0.0

    def __str__(self) -> str:
        parts = ", ".join(f"{number} x {status or 'no answer'}" for status, number in sorted(self.statuses.items()))
        return f"{parts} (p50 {self.percentile(0.5):.2f} s, p99 {self.percentile(0.99):.2f} s)"


class Wire:
    """One keep-alive connection, as thin as it can be: the sender must not be what is measured."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes, answers: Answers) -> int:
        """The status, 0 when there is no answer."""
        loop = asyncio.get_running_loop()
        started, status, hasty = loop.time(), 0, False
        try:
            status, hasty = await self._asked(request)
        except (OSError, EOFError, ValueError):
            self.close()
        answers.statuses[status] += 1
        answers.hasty += hasty
        answers.seconds.append(loop.time() - started)
        return status

    async def _asked(self, request: bytes) -> tuple[int, bool]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        status = int(head[9:12])
        return status, status == 503 and b"retry-after:" not in head

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class Storm:
    """Pushes about parcels: `send` sends the next one and notes what was acknowledged."""

    def __init__(self, town_: Town, parcels: list[Parcel], load: Load) -> None:
        self._town, self._parcels, self._load = town_, parcels, load
        self._count = 0
        self.wires: list[Wire] = []

    def wire(self) -> Wire:
        self.wires.append(Wire(self._town.gateway.url))
        return self.wires[-1]

    async def send(self, wire: Wire, answers: Answers) -> None:
        parcel = self._parcels[self._count % len(self._parcels)]
        self._count += 1
        parcel.said += 1
        text = f"途中 {parcel.number} {parcel.said}"
        at = self._load.base + timedelta(seconds=20 * parcel.said)
        event = Event(at=at, status=Status.IN_TRANSIT, text=text, place="武汉市", serial=self._count)
        push = self._town.sandbox.sf.push(parcel.number, event)
        head = f"POST {push.path} HTTP/1.1\r\nHost: gateway\r\nContent-Length: {len(push.body)}\r\n"
        kind = f"Content-Type: {push.headers['content-type']}\r\n\r\n"
        if await wire.ask((head + kind).encode() + push.body, answers) == 200:
            parcel.acknowledged.append(text)

    async def steady(self, number: int) -> float:
        """So many pushes a second are kept and read, eight senders waiting for each answer."""
        loop, answers = asyncio.get_running_loop(), Answers()
        started = loop.time()
        left = iter(range(number))

        async def sender() -> None:
            wire = self.wire()
            for _ in left:
                await self.send(wire, answers)

        await asyncio.gather(*(sender() for _ in range(8)))
        await self.read(120)
        return number / (loop.time() - started)

    async def burst(self, rate: float, seconds: float) -> tuple[Answers, float]:
        """Offer so many a second: the answers, and how many a second could be offered by these senders."""
        loop, answers = asyncio.get_running_loop(), Answers()
        started = loop.time()
        begun = 0

        async def sender() -> None:
            nonlocal begun
            wire = self.wire()
            while (now := loop.time() - started) < seconds:
                if begun >= rate * now:
                    await asyncio.sleep(0.01)
                    continue
                begun += 1
                await self.send(wire, answers)

        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        return answers, begun / (loop.time() - started)

    async def read(self, seconds: float) -> None:
        """Until every push that was kept has been read."""

        async def none_waits() -> bool:
            return not (await self._town.gauge("gateway_inbox")).get('{state="waiting"}')

        await eventually(none_waits, "pushes are not read", seconds=seconds)

    def close(self) -> None:
        for wire in self.wires:
            wire.close()


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Town]:
    def polling(document: dict[str, Any]) -> None:
        document["hours"] = dict.fromkeys(document["hours"], 24)
        document["default_hours"] = 24

    async with town(folder, f"sqlite:///{folder}/gateway.db", changes={"polling": polling}) as found:
        yield found


async def ten_times(on: Town, short: bool) -> Finding:
    size = SHORT if short else WHOLE
    finding = Finding(fault="10x burst of webhooks", done="")
    load = Load(on, parcels=size.parcels, pushers=0, readers=0, troubles=False)
    async with load:
        storm = Storm(on, load.moving, load)
        rate = await storm.steady(size.measured)
        finding.done = (
            f"{rate:.0f} pushes a second are kept and read (SQLite); {10 * rate:.0f} offered for {size.seconds:g} s"
        )
        before, _ = on.memory()
        on.forget_peak()
        reads = Answers()
        reading = asyncio.create_task(_read_on(storm, load.moving, reads))
        answers, offered = await storm.burst(10 * rate, size.seconds)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        _, peak = on.memory()
        await storm.read(400)
        storm.close()
    finding.seen = [
        f"{offered:.0f} a second came out of {SENDERS} senders that wait for their answers",
        f"pushes: {answers}",
        f"reads: {reads}",
        f"{before} MB before, {peak} MB at most",
    ]
    finding.expect(set(answers.statuses) <= {200, 503}, f"statuses {dict(answers.statuses)}")
    finding.expect(not answers.hasty, f"{answers.hasty} x 503 without Retry-After")
    finding.expect(set(reads.statuses) == {200}, f"reads: {dict(reads.statuses)}")
    finding.expect(peak - before < 150, "memory is not bounded")
    await _seen(on, load.moving, finding)
    kept = sum(len(parcel.acknowledged) for parcel in load.moving)
    finding.seen.append(f"all {kept} that were acknowledged are in the tracking, once each")
    return finding


async def _read_on(storm: Storm, parcels: list[Parcel], answers: Answers) -> None:
    wire = storm.wire()
    while True:
        for parcel in parcels:
            head = f"GET /v1/tracking/{parcel.number} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {KEY}\r\n\r\n"
            await wire.ask(head.encode(), answers)
            await asyncio.sleep(0.05)


async def _seen(on: Town, parcels: list[Parcel], finding: Finding) -> None:
    for parcel in parcels:
        tracking = json.loads((await on.gateway.http.get(f"/v1/tracking/{parcel.number}", timeout=60)).content)
        texts = Counter(scan["text"] for leg in tracking["legs"] for scan in leg["scans"])
        finding.lost += [f"push {text}" for text in parcel.acknowledged if not texts[text]]
        finding.doubled += [f"push {text} x{texts[text]}" for text in parcel.acknowledged if texts[text] > 1]
