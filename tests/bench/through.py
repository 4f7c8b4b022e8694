"""The rows of sustained pushes: from the door until every scan is stored, against the same door without a store.

Ours: one process on one core whose loop serves HTTP and reads the inbox, as `gateway serve --role all` has them.
A round is a burst of signed pushes, each of another parcel with scans before it: counted from the first byte sent until
the inbox is empty and every shipment has moved on; what was only accepted does not count. In the same transaction each
push sets the watch, the next poll and, where it is news, the deed that tells the customer; sweeps and deliveries come
later and are off. The ceiling takes as many pushes at the storeless door of the same process.

Started as `python -m tests.bench.through serve` or `... load` this module is the process under test, or its load.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop
from sqlalchemy import text

from gateway.contract.signing import compact, md5_base64
from gateway.garbage import settle
from gateway.jobs import Clock, Loop
from gateway.tracking.pushes import read_inbox
from gateway.web.app import application
from gateway.web.auth import Keyring
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from tests.bench import fill
from tests.bench.figure import Figure
from tests.bench.load import Connection, Meter, Target
from tests.bench.measure import Plan, cores, database, in_turn, wanted
from tests.bench.server import Nowhere, listen
from tests.bench.subject import open_gateway
from tests.bench.wire import APP_KEY, APP_SECRET

#: Pushes in a burst, and connections that send them.
PUSHES, CONNECTIONS = 2000, 256
#: Of eight pushes one is the courier's round and one the signature; the others are hubs.
_WORDS = (
    ("DISPATCH", "【深圳市】快件正在派送，业务员：样例，电话：13900000000"),
    ("SIGNED", "【深圳市】快件已签收，签收人：本人"),
    *repeat(("ARRIVAL", "【郑州市】快件已到达【郑州高新区】，扫描员：样例，联系电话：0371-00000000"), 6),
)
_CHINA = timezone(timedelta(hours=8))
#: A burst that takes longer than this is stuck.
_PATIENCE = 300.0
_ABOUT = "signed pushes to stored scans with all that follows written in one process, against the same door without a"
_SAME_AT = "sustained pushes on SQLite with {many:,} shipments in the store, against itself with {few:,}"
NAMES: tuple[str, ...] = ("through_sqlite", "through_pg", "growth_through")


class Stuck(Exception):
    """Not every push of a burst came to be a stored scan."""


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names. plan.rounds: at most 9 bursts are taken; databases lie in `folder`."""
    rounds = min(plan.rounds, 9)
    for name, store, goal in (("through_sqlite", "sqlite", 0.20), ("through_pg", "postgresql", 0.15)):
        if name in names:
            yield _through(name, store, goal, plan, folder, rounds)
    if "growth_through" in names:
        yield _growth(plan, folder, rounds)


def _through(name: str, store: str, goal: float, plan: Plan, folder: Path, rounds: int) -> Figure:
    with subject(store, plan.shipments, _pushes(plan.shipments), plan, folder) as under_test:
        before, began = wanted(under_test.pid), time.monotonic()
        ours, ceiling = in_turn(under_test.through, under_test.accept, rounds)
        busy = (wanted(under_test.pid) - before) / (time.monotonic() - began)
    return Figure(
        name=name,
        title=f"{_ABOUT} store: {'SQLite' if store == 'sqlite' else 'PostgreSQL'}, {plan.shipments:,} shipments",
        unit="pushes/s",
        goal=goal,
        ours=ours,
        ceiling=ceiling,
        beside=f"server at work {busy:.0%}",
    )


def _growth(plan: Plan, folder: Path, rounds: int) -> Figure:
    pushes = _pushes(plan.few)
    with (
        subject("sqlite", plan.many, pushes, plan, folder) as many,
        subject("sqlite", plan.few, pushes, plan, folder) as few,
    ):
        ours, ceiling = in_turn(many.through, few.through, rounds)
    title = _SAME_AT.format(many=plan.many, few=plan.few)
    return Figure(name="growth_through", title=title, unit="pushes/s", goal=0.8, ours=ours, ceiling=ceiling)


def _pushes(shipments: int) -> int:
    """In a burst, each of another parcel."""
    return min(PUSHES, shipments)


# -- the one who measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One round. parcels: by their places in the store; at: the time that every push tells."""

    port: int
    parcels: Sequence[int]
    at: float
    connections: int
    core: int


@dataclass(slots=True, kw_only=True)
class Subject:
    """A process under test. gateway, storeless: its ports."""

    process: subprocess.Popen[str]
    gateway: int
    storeless: int
    shipments: int
    pushes: int
    connections: int
    turns: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def through(self) -> float:
        """Pushes per second, from the first that was sent until every one is stored. Raise Stuck."""
        began, _ = self._send(self.gateway)
        told = self._asked("stored")
        if told["moved"] != self.pushes or told["left"]:
            raise Stuck(f"{self.pushes} pushes were sent: {told}")
        return self.pushes / (float(told["at"]) - began)

    def accept(self) -> float:
        """Pushes per second at the storeless door."""
        began, ended = self._send(self.storeless)
        return self.pushes / (ended - began)

    def _send(self, port: int) -> tuple[float, float]:
        self.turns += 1
        parcels = random.Random(self.turns).sample(range(self.shipments), self.pushes)
        at = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=self.turns)
        burst = Burst(port=port, parcels=parcels, at=at.timestamp(), connections=self.connections, core=cores()[1])
        command = [sys.executable, "-m", "tests.bench.through", "load"]
        done = subprocess.run(command, input=json.dumps(asdict(burst)), capture_output=True, text=True, check=False)
        if done.returncode:
            raise Stuck(f"the load failed: {done.stderr.strip().splitlines()[-1]}")
        began, ended = json.loads(done.stdout)
        return began, ended

    def _asked(self, question: str) -> Mapping[str, Any]:
        assert self.process.stdin and self.process.stdout
        print(question, file=self.process.stdin, flush=True)
        told: Mapping[str, Any] = json.loads(self.process.stdout.readline())
        return told


@contextmanager
def subject(store: str, shipments: int, pushes: int, plan: Plan, folder: Path) -> Iterator[Subject]:
    """A process with so many shipments in its store, on a core of its own, until the block ends."""
    with ExitStack() as stack:
        url = stack.enter_context(database(store, folder))
        fill.fill(url, shipments)
        command = [sys.executable, "-m", "tests.bench.through", "serve", url, str(cores()[0])]
        process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert process.stdin and process.stdout
        stack.callback(process.stdin.close)
        said = process.stdout.readline()
        if not said:
            raise Stuck(f"the server under test ended with {process.wait()}")
        connections = plan.connections or CONNECTIONS
        said_of = json.loads(said)
        yield Subject(process=process, shipments=shipments, pushes=pushes, connections=connections, **said_of)


# -- the process under test


async def serve(url: str) -> None:
    """Say where the doors are; at each line that is read, wait until the inbox is empty and say what was stored."""
    gateway = await open_gateway(url)
    desk = Desk(keyring=Keyring(gateway.store), metrics=Metrics(), inbox=Nowhere(gateway.rt))
    storeless, close = await listen(application(gateway.rt, desk))
    reader = Clock(gateway.rt, [Loop(signal="inbox", work=lambda: read_inbox(gateway.rt, 200, more=9), seconds=1)], [])
    reader.start()
    before = await _moved(gateway.rt.store)
    settle()  # as `gateway serve` does
    print(json.dumps({"gateway": gateway.port, "storeless": storeless}), flush=True)  # noqa: T201 - read by the bench
    while await asyncio.to_thread(sys.stdin.readline):
        left = await _emptied(gateway.rt.store)
        at, moved = time.monotonic(), await _moved(gateway.rt.store)
        print(json.dumps({"at": at, "left": left, "moved": moved - before}), flush=True)  # noqa: T201
        before = moved
    await reader.stop()
    await close()
    await gateway.stop()


async def _emptied(store: Any) -> int:
    """Wait until no push is left to be read: how many are left all the same."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        async with store.read() as tx:
            left = (
                await tx.conn.execute(text("SELECT count(*) FROM inbox WHERE state IN ('waiting', 'quarantined')"))
            ).scalar_one()
        if not left or time.monotonic() > deadline:
            return int(left)
        await asyncio.sleep(0.01)


async def _moved(store: Any) -> int:
    """How often shipments have moved on: once for each push of a burst, whose parcels are all different."""
    async with store.read() as tx:
        return int((await tx.conn.execute(text("SELECT coalesce(sum(sequence), 0) FROM shipments"))).scalar_one())


# -- the load


def push(place: int, at: datetime) -> bytes:
    """A signed trace push about the parcel at this place of the store (carriers/zto.md)."""
    action, told = _WORDS[place % len(_WORDS)]
    event = {
        "billCode": fill.number(place),
        "actionTime": f"{at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
        "city": "郑州市",
        "action": action,
        "facilityCode": "37131",
        "facilityName": "郑州高新区",
        "desc": told,
    }
    data = compact(event)
    digest = md5_base64(data + APP_SECRET)
    body = urlencode({"msg_type": "Traces", "company_id": APP_KEY, "data_digest": digest, "data": data})
    head = f"POST /webhooks/zto HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nUser-Agent: Apache-HttpClient/4.5\r\n\r\n"
    return (head + kind + body).encode()


class Once(Meter):
    """A meter whose requests are each sent once; `done` when all are answered."""

    def __init__(self, burst: Burst) -> None:
        at = datetime.fromtimestamp(burst.at, UTC)
        super().__init__(Target(port=burst.port, requests=[""]))
        every = [push(place, at) for place in burst.parcels]
        self.left = len(every)
        self.requests = iter(every)
        self.done = asyncio.Event()

    def answered(self, connection: Connection, seconds: float, status: int, body: int) -> None:
        super().answered(connection, seconds, status, body)
        self.left -= 1
        if not self.left:
            self.done.set()
        with suppress(StopIteration):
            connection.send()


async def run(burst: Burst) -> tuple[float, float]:
    """When the first push was sent and the last one answered, by the machine's clock. Raise WrongAnswer."""
    loop, meter = asyncio.get_running_loop(), Once(burst)
    for _ in range(burst.connections):
        await loop.create_connection(partial(Connection, meter), "127.0.0.1", burst.port)
    began = time.monotonic()
    for connection in meter.resting[: meter.left]:
        connection.send()
    finished = asyncio.create_task(meter.done.wait())
    await asyncio.wait([finished, meter.failed], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    ended = time.monotonic()
    meter.check()
    if meter.left:
        raise Stuck(f"{meter.left} pushes were not answered")
    meter.failed.cancel()
    return began, ended


def main() -> None:
    if sys.argv[1] == "serve":
        os.sched_setaffinity(0, {int(sys.argv[3])})
        uvloop.run(serve(sys.argv[2]))
        return
    burst = Burst(**json.load(sys.stdin))
    os.sched_setaffinity(0, {burst.core})
    print(json.dumps(uvloop.run(run(burst))))  # noqa: T201 - read by whoever started us


if __name__ == "__main__":
    main()
