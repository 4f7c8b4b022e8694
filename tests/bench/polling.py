"""The rows of polling: legs through the gateway's own poll loop, against a bare client that asks the same of the same.

Each round the stand-in has one new scan for every leg. Ours: claimed, asked, read, folded, stored, scheduled, all
followers told, in the loop of `gateway.tracking.poll`. The ceiling sends the requests that our adapter makes, as many
at once, and reads each answer's bytes: no store, no JSON.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr
from sqlalchemy import text

from gateway.app import Gateway
from gateway.config import load
from gateway.domain import LegRef
from gateway.garbage import settle
from gateway.settings import CarrierRow, Environment
from gateway.store.tables import micros
from gateway.tracking.poll import Polling
from gateway.tracking.register import NewShipment, register
from tests.bench.cores import on_core
from tests.bench.figure import Figure
from tests.bench.instant import standing_in
from tests.bench.measure import Plan, cores, database

_CONFIG = Path(__file__).parents[2] / "config"
#: Nobody waits for tokens here: an account whose contract allows this many calls a second.
_PACE = 100_000.0
#: Requests under way at once, on both sides.
AT_ONCE = 32
#: Legs registered in one transaction: it has a deadline, also on a busy machine.
_PER_FILL = 50
#: Scans of every leg before the first round that counts.
_FIRST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A carrier of the row, and how many legs each round asks about."""

    name: str
    title: str
    store: str
    carrier: str
    legs: int
    goal: float = 0.6


_SAME = "legs polled through to stored scans, one new scan each, against httpx + AiohttpTransport bare"
_ROWS = (
    Asked(name="poll", title=f"{_SAME}: 中通, a number per request, SQLite", store="sqlite", carrier="zto", legs=1000),
    Asked(name="poll_pg", title="the same on PostgreSQL", store="postgresql", carrier="zto", legs=1000),
    Asked(
        name="poll_batch",
        title=f"{_SAME}: 顺丰, ten numbers per request, SQLite",
        store="sqlite",
        carrier="sf",
        legs=2000,
    ),
)
NAMES: tuple[str, ...] = tuple(row.name for row in _ROWS)
_SETTINGS = {
    "zto": {"app_key": "benchAppKey", "app_secret": "benchSecret0001"},
    "sf": {"partner_id": "BENCH", "check_word": "benchCheckWord01"},
}


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names. plan.rounds: at most 15 are taken; databases lie in `folder`."""
    for row in _ROWS:
        if row.name in names:
            with standing_in(cores()[1]) as address, database(row.store, folder) as url, on_core(cores()[0]):
                fewer = replace(row, legs=min(row.legs, plan.shipments))
                yield uvloop.run(_measure(fewer, address, url, min(plan.rounds, 15)))


async def _measure(row: Asked, address: str, url: str, rounds: int) -> Figure:
    bench = Bench(row, address, url)
    await bench.open()
    try:
        for number in range(rounds + 1):  # the first one warms up
            await bench.turn(_FIRST + number)
            sides = [(bench.ours, bench.poll), (bench.ceiling, bench.ask)]
            for counted, side in sides if number % 2 == 0 else reversed(sides):
                counted.append(await _rate(row.legs, side))
        await bench.check(_FIRST + rounds)
    finally:
        await bench.close()
    return Figure(
        name=row.name,
        title=row.title,
        unit="legs/s",
        goal=row.goal,
        ours=bench.ours[1:],
        ceiling=bench.ceiling[1:],
    )


async def _rate(legs: int, side: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await side()
    return legs / (time.perf_counter() - began)


@dataclass
class Bench:
    """Both sides, and the legs that both ask about."""

    row: Asked
    address: str
    url: str
    ours: list[float] = field(default_factory=list)
    ceiling: list[float] = field(default_factory=list)

    async def open(self) -> None:
        settings = {"base_url": self.address, "calls_per_second": _PACE, **_SETTINGS[self.row.carrier]}
        name = {"zh": "承运商", "en": "Carrier"}
        carrier = CarrierRow(adapter=self.row.carrier, name=name, country="CN", settings=settings)
        config = load(_CONFIG, {}).model_copy(
            update={"carriers": {self.row.carrier: carrier}, "notifiers": {}, "channels": {}}
        )
        secret = SecretStr("bench-only-bench-only")
        environment = Environment(
            database_url=self.url, port=0, config=_CONFIG, secret_key=secret, admin_key=secret, lease_seconds=20
        )
        self.gateway = Gateway(environment, config)
        await self.gateway.start(workers=False)
        settle()  # as `gateway serve` does
        self.polling = Polling(self.gateway.rt)
        self.bare = httpx.AsyncClient(base_url=self.address, transport=AiohttpTransport(), timeout=10)
        self.numbers = [f"{73_100_000_000_000 + leg}" for leg in range(self.row.legs)]
        for start in range(0, len(self.numbers), _PER_FILL):
            async with self.gateway.rt.store.write() as tx:
                for number in self.numbers[start : start + _PER_FILL]:
                    new = NewShipment(order_id=f"SO-{number}", carrier=self.row.carrier, tracking_number=number)
                    await register(self.gateway.rt, tx, new)
        self.requests = await self._requests()

    async def _requests(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        """What our adapter sends about the legs."""
        sent: list[httpx.Request] = []

        def keep(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return httpx.Response(500)

        ours = self.gateway.rt.carriers[self.row.carrier].adapter
        async with httpx.AsyncClient(base_url=self.address, transport=httpx.MockTransport(keep)) as client:
            adapter = type(ours)(ours.settings, client)
            refs = [LegRef(carrier=self.row.carrier, tracking_number=number) for number in self.numbers]
            for start in range(0, len(refs), adapter.batch):
                with suppress(Exception):
                    await adapter.poll(refs[start : start + adapter.batch])
        kept = ("content-type", "x-appkey", "x-datadigest")
        return [
            (one.method, one.url.path, {name: one.headers[name] for name in kept if name in one.headers}, one.content)
            for one in sent
        ]

    async def turn(self, scans: int) -> None:
        """Every leg is due, and its carrier knows so many scans of it."""
        await self.bare.post("/turn", content=str(scans))
        async with self.gateway.rt.store.write() as tx:
            await tx.conn.execute(text("UPDATE polls SET due_at = :now"), {"now": micros(self.gateway.rt.clock())})

    async def poll(self) -> None:
        """Ours: pass after pass, as gateway.jobs runs them, until nothing is due."""
        for _ in range(self.row.legs):
            await self.polling.tick()
            if self.polling.resting:
                return
            await self.polling.idle()

    async def ask(self) -> None:
        """The ceiling."""
        left = iter(self.requests)

        async def line() -> None:
            for method, path, headers, content in left:
                answer = await self.bare.request(method, path, headers=headers, content=content)
                assert answer.status_code == 200 and answer.content

        await asyncio.gather(*(line() for _ in range(AT_ONCE)))

    async def check(self, scans: int) -> None:
        """What was polled is what was told. Raise RuntimeError."""
        async with self.gateway.rt.store.read() as tx:
            rows = (await tx.conn.execute(text("SELECT history FROM legs"))).scalars().all()
        if len(rows) != self.row.legs or any(row.count("高新区") < scans for row in rows):
            raise RuntimeError("the gateway did not store what it was told")

    async def close(self) -> None:
        await self.polling.close()
        await self.bare.aclose()
        await self.gateway.stop()
