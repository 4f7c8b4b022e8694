"""The rows of sustained pushes: from the door until every scan is stored, against the same door without a store.

Ours: one process on one core whose loop serves HTTP and reads the inbox, as `gateway serve --role all` has them.
A round is a burst of signed pushes, each of another parcel with scans before it: counted from the first byte sent until
the inbox is empty and every shipment has moved on; what was only accepted does not count. In the same transaction each
push sets the watch, the next poll and, where it is news, the deed that tells the customer; sweeps and deliveries come
later and are off. The ceiling takes as many pushes at the storeless door of the same process.

Started as `python -m tests.bench.through <database url> <shipments> <core>` this module is the process under test.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import text

from gateway.garbage import settle
from gateway.jobs import Clock, Loop
from gateway.tracking.pushes import ABREAST, read_inbox
from gateway.web.app import application
from gateway.web.auth import Keyring
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from tests.bench import fill
from tests.bench.burst import PATIENCE, Burst, Stuck, Talk, talk
from tests.bench.figure import Figure
from tests.bench.measure import Plan, cores, database, in_turn, wanted
from tests.bench.server import Nowhere, listen
from tests.bench.subject import open_gateway

#: Pushes in a burst, and connections that send them.
PUSHES, CONNECTIONS = 2000, 256
_ABOUT = "signed pushes to stored scans with all that follows written in one process, against the same door without a"
_SAME_AT = "sustained pushes on SQLite with {many:,} shipments in the store, against itself with {few:,}"
NAMES: tuple[str, ...] = ("through_sqlite", "through_pg", "growth_through")


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


@dataclass(slots=True, kw_only=True)
class Subject:
    """A process under test and its load. gateway, storeless: its ports. pushes: in a burst."""

    server: Talk
    load: Talk
    gateway: int
    storeless: int
    shipments: int
    pushes: int
    connections: int
    turns: int = 0

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def through(self) -> float:
        """Pushes per second, from the first that was sent until every one is stored. Raise Stuck."""
        began, _ = self._send(self.gateway)
        told = self.server.ask("what is stored?")
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
        burst = Burst(port=port, parcels=parcels, at=at.timestamp(), connections=self.connections)
        began, ended = self.load.ask(json.dumps(asdict(burst)))
        return began, ended


@contextmanager
def subject(store: str, shipments: int, pushes: int, plan: Plan, folder: Path) -> Iterator[Subject]:
    """A process with so many shipments in its store, on a core of its own, until the block ends."""
    ours, other = cores()
    with (
        database(store, folder) as url,
        talk("through", url, shipments, ours) as server,
        talk("burst", other) as load,
    ):
        connections = plan.connections or CONNECTIONS
        doors = server.hear()
        yield Subject(server=server, load=load, shipments=shipments, pushes=pushes, connections=connections, **doors)


async def serve(url: str, shipments: int) -> None:
    """Say where the doors are; at each line that is read, wait until the inbox is empty and say what was stored."""
    gateway = await open_gateway(url)
    await fill.fill_store(gateway.rt, shipments)
    desk = Desk(keyring=Keyring(gateway.store), metrics=Metrics(), inbox=Nowhere(gateway.rt))
    storeless, close = await listen(application(gateway.rt, desk))
    abreast = ABREAST[gateway.store.dialect]
    work = partial(read_inbox, gateway.rt, 200, more=9, abreast=abreast)  # as gateway.app has it
    reader = Clock(gateway.rt, [Loop(signal="inbox", work=work, seconds=1)], [])
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
    deadline = time.monotonic() + PATIENCE
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


def main() -> None:
    url, shipments, core = sys.argv[1:4]
    os.sched_setaffinity(0, {int(core)})
    uvloop.run(serve(url, int(shipments)))


if __name__ == "__main__":
    main()
