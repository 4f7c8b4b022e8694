"""Carriers that hang, trickle, answer garbage, say "too many" for an hour, or whose name does not resolve: all ill at
once, beside one that is well.

A shipment of an ill carrier would have stalled seconds after it was registered if silence were taken for standing
still; what really happened to it (nobody collected it) is only learned when its carrier is well again.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.domain import Status
from gateway.sandbox.people import customer, registration
from gateway.sandbox.records import Event
from tests.e2e.process import eventually
from tests.faults.finding import Finding
from tests.faults.judge import judged
from tests.faults.load import Load, Parcel
from tests.faults.town import Town, town

#: What each does, and how it is told.
ILL = {
    "hangs": "takes the question and never answers",
    "trickles": "answers one byte a second",
    "garbage": "answers with no HTTP, no JSON, JSON of another shape, half an answer, 2 MB of noise",
    "limits": "429 with Retry-After: 3600",
    "nameless": "its host name does not resolve",
}
#: Concluded within seconds; the others need the gateway's own deadlines (10 s, 30 s) twice over.
QUICK = ("garbage", "limits", "nameless")
#: Shipments of each carrier.
EACH = 4
_GARBAGE = (
    b"\x00\xff nothing that anybody speaks \r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n<html>\x00\xfe\xff?",
    b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"routes": 12}',
    b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nConnection: close\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n" + b"[" * 2_000_000,
)
_LIMITED = b"HTTP/1.1 429 Too Many\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Provider:
    """A port in front of the stand-ins. ill: how it answers; None: as they do. asked: questions while it was ill."""

    def __init__(self, target: int, ill: str | None) -> None:
        self._target, self.ill = target, ill
        self.asked = 0
        self._garbage = itertools.cycle(_GARBAGE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, EOFError, asyncio.CancelledError):  # the gateway hung up, or the day is over
            await (self._through(reader, writer) if self.ill is None else self._badly(self.ill, reader, writer))
        writer.close()

    async def _badly(self, ill: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1  # whatever it was asked for: polls and subscriptions are calls of one account
        if ill == "hangs":
            await reader.read()
            await asyncio.Event().wait()
        if ill == "trickles":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
        writer.write(_LIMITED if ill == "limits" else next(self._garbage))
        await writer.drain()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        finally:
            back.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(1 << 16):
        writer.write(said)
        await writer.drain()
    raise EOFError


@dataclass
class Ground:
    """kinds: of illness that carriers here have, each under the code sf_<kind>."""

    town: Town
    kinds: tuple[str, ...]
    providers: dict[str, Provider]
    environ: dict[str, str]
    findings: dict[str, Finding] = field(default_factory=dict)


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Ground]:
    kinds = QUICK if short else tuple(ILL)

    def carriers(document: dict[str, Any]) -> None:
        rows = document["carriers"]
        rows["sf"].pop("fallback")
        for kind in kinds:
            rows[f"sf_{kind}"] = copy.deepcopy(rows["sf"])
            rows[f"sf_{kind}"]["settings"]["base_url"] = f"${{SANDBOX_{kind.upper()}}}"
            rows[f"sf_{kind}"].pop("aliases")

    def stalls(document: dict[str, Any]) -> None:
        soon = [{"carrier": f"sf_{kind}", "status": "pre_transit", "threshold": {"stall": 0.001}} for kind in kinds]
        document["overrides"] += soon
        document["blindness"]["failures"] = 2  # a poll that trickles fails after a minute

    def routes(document: dict[str, Any]) -> None:
        document["routes"][0]["when"].pop("carrier")  # whoever it is, ZTO takes over

    def polling(document: dict[str, Any]) -> None:
        document["hours"] = dict.fromkeys(document["hours"], 0.0006)
        document["default_hours"] = 0.0006

    providers = {kind: Provider(0, kind) for kind in kinds}
    async with AsyncExitStack() as stack:
        for provider in providers.values():
            await provider.start()
            stack.push_async_callback(provider.close)
        environ = {f"SANDBOX_{kind.upper()}": f"http://127.0.0.1:{one.port}/sf" for kind, one in providers.items()}
        real = environ.get("SANDBOX_NAMELESS", "")
        environ["SANDBOX_NAMELESS"] = "http://carrier.invalid/sf"
        changes = {"carriers": carriers, "stalls": stalls, "routes": routes, "polling": polling}
        found = await stack.enter_async_context(
            town(folder, f"sqlite:///{folder}/gateway.db", changes=changes, environ=environ)
        )
        for provider in providers.values():
            provider._target = found.sandbox.port
        yield Ground(town=found, kinds=kinds, providers=providers, environ={"SANDBOX_NAMELESS": real})


def fault(kind: str) -> Any:
    """The fault of one illness: the first that is asked for does them all."""

    async def done(on: Ground, short: bool) -> Finding:
        if not on.findings:
            on.findings = await _all_at_once(on, short)
        return on.findings[kind]

    return done


async def _all_at_once(on: Ground, short: bool) -> dict[str, Finding]:
    found, town_ = {kind: Finding(fault=f"carrier: {kind}", done=ILL[kind]) for kind in on.kinds}, on.town
    await _register(town_, "zto", "zto", 3 * EACH)
    load = Load(town_, troubles=False)
    async with load:
        before = await _pace(town_)
        memory, _ = town_.memory()
        town_.forget_peak()
        load.phase = "ill"
        ill = {kind: await _register(town_, f"sf_{kind}", "sf", EACH) for kind in on.kinds}
        await eventually(
            lambda: _incidents(on), f"not every carrier has its incident: {town_.gateway.log()[-3000:]}", seconds=300
        )
        during = await _pace(town_)
        early = {case["carrier"] for case in await town_.all("/v1/cases") if case["kind"].startswith("stall_")}
        asked = {kind: provider.asked for kind, provider in on.providers.items()}
    _, peak = town_.memory()
    for kind, finding in found.items():
        healthy = f"the healthy carrier: {before:.1f} polls a second before, {during:.1f} meanwhile"
        finding.seen = ["an incident and no stall", healthy, f"{memory} MB before, {peak} MB at most"]
        finding.expect(f"sf_{kind}" not in early, "a stall was concluded from blindness")
        finding.expect(during > 0.6 * before, "others were held up")
        finding.expect(peak - memory < 100, "memory grew")
        pushes, reads = load.pushes["ill"], load.reads["ill"]
        finding.expect(not pushes.no + reads.no, f"pushes {pushes}, reads {reads}")
    if "limits" in found:
        found["limits"].seen.append(f"asked {asked['limits']} times, and then not again")
    await _heal(on, ill, found)
    return found


async def _incidents(on: Ground) -> bool:
    cases = await on.town.all("/v1/cases", kind="carrier_incident")
    return {f"sf_{kind}" for kind in on.kinds} <= {case["carrier"] for case in cases}


async def _over(on: Ground, kind: str) -> bool:
    cases = await on.town.all("/v1/cases", kind="carrier_incident")
    return all(case["state"] == "cleared" for case in cases if case["carrier"] == f"sf_{kind}")


async def _look_now(town_: Town, kind: str, parcels: list[Parcel]) -> None:
    """The clock looks again half an hour after a look in blindness; a push lets it look at once."""
    for parcel in parcels:
        made = datetime.now(UTC) - timedelta(days=15)
        event = Event(at=made, status=Status.PRE_TRANSIT, text="待揽收", serial=town_.world.serial())
        push = town_.sandbox.sf.push(parcel.number, event)
        path = push.path.replace("/webhooks/sf/", f"/webhooks/sf_{kind}/")
        answer = await town_.gateway.http.post(path, content=push.body, headers=dict(push.headers))
        assert answer.status_code == 200, answer.text


async def _register(town_: Town, carrier: str, stand_in: str, number: int) -> list[Parcel]:
    """Labels that nobody collected, which only a poll can tell."""
    parcels = []
    for _ in range(number):
        town_.serial += 1
        order = f"SO-ILL-{town_.serial:05d}"
        person = customer(town_.serial, 12, datetime.now(UTC))
        label = town_.world.book(stand_in, order, phone=person["phone"])
        made = datetime.now(UTC) - timedelta(days=16 if carrier != stand_in else 0)
        town_.world.happen(stand_in, label.number, Status.PRE_TRANSIT, at=made, text=f"包装完成 {label.number}")
        await town_.gateway.post("/v1/shipments", registration(order, carrier, label.number, person, {}))
        parcels.append(Parcel(order=order, number=label.number, person=person))
    return parcels


async def _pace(town_: Town) -> float:
    """Polls of the healthy carrier a second, over thirty of them."""
    loop = asyncio.get_running_loop()

    def asked() -> int:
        return sum(call.provider == "zto" and call.operation == "query" for call in town_.world.calls)

    started, first = loop.time(), asked()

    async def enough() -> bool:
        return asked() >= first + 30

    await eventually(enough, "the healthy carrier is not polled", seconds=120)
    return (asked() - first) / (loop.time() - started)


async def _heal(on: Ground, ill: dict[str, list[Parcel]], found: dict[str, Finding]) -> None:
    """Well again: each parcel is told of, stalls, and is put right once.

    Of one that limits us for an hour nothing is heard before the hour is over. The name is no other one later: the
    gateway is started with an address instead.
    """
    for provider in on.providers.values():
        provider.ill = None
    await on.town.gateway.stop()
    on.town.gateway.change(on.environ)
    await on.town.gateway.start()
    for kind, finding in found.items():
        if kind == "limits":
            finding.expect(on.providers[kind].asked <= 4, f"asked {on.providers[kind].asked} times")
            continue
        await eventually(lambda kind=kind: _over(on, kind), f"the incident at sf_{kind} is not over", seconds=120)
        load = Load(on.town)
        load.troubled = ill[kind]
        await _look_now(on.town, kind, ill[kind])
        await judged(load, finding)
        finding.seen.append(f"well again: {len(ill[kind])} of {len(ill[kind])} parcels put right, once each")
