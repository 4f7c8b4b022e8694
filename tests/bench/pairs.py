"""The doors, over HTTP: reads and acknowledged pushes, against raw ceilings on the same loop."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tests.bench import wire
from tests.bench.figure import Figure
from tests.bench.load import Job, Tally, Target
from tests.bench.measure import Plan, cores, database, wanted
from tests.bench.server import Address

#: Below it something else than the server was the limit.
_BUSY = 0.8
Requests = Callable[[Address], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a pair: the port it talks to, what it sends, and the status it has to get."""

    port: Callable[[Address], int]
    requests: Requests
    expect: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """goal: the least ratio ours / ceiling. title: what a reader of docs/performance.md is told."""

    name: str
    store: Literal["sqlite", "postgresql"]
    title: str
    ours: Side
    ceiling: Side
    goal: float
    connections: int
    unit: str = "requests/s"


def _numbers(address: Address) -> list[str]:
    key = {"Authorization": f"Bearer {address.key}"}
    return [wire.read(f"/v1/tracking/{number}", key) for number in address.numbers]


def _known(address: Address) -> list[str]:
    key = {"Authorization": f"Bearer {address.key}"}
    pairs = zip(address.numbers, address.etags, strict=True)
    return [wire.read(f"/v1/tracking/{number}", {**key, "If-None-Match": etag}) for number, etag in pairs]


def _cold(address: Address) -> list[str]:
    key = {"Authorization": f"Bearer {address.key}"}
    return [wire.read(f"/v1/tracking/{number}", key) for number in address.cold]


def _pushes(address: Address) -> list[str]:
    return wire.pushes("/webhooks/zto", 1000)


#: Static bytes take the same request head as the read they are compared with.
_STATIC = Side(port=lambda at: at.static, requests=lambda at: [wire.read("/static", {"Authorization": at.key})])
_STORELESS = Side(port=lambda at: at.storeless, requests=_pushes)
_READ = Side(port=lambda at: at.gateway, requests=_numbers)
_KNOWN = Side(port=lambda at: at.gateway, requests=_known, expect=304)
_COLD = Side(port=lambda at: at.gateway, requests=_cold)
_BARE = Side(port=lambda at: at.bare, requests=_cold)
_PUSH = Side(port=lambda at: at.gateway, requests=_pushes)

PAIRS: Sequence[Pair] = (
    Pair(
        name="read_hot",
        store="sqlite",
        title="`GET /v1/tracking/{number}` with a storefront key, against static bytes of the same size",
        ours=_READ,
        ceiling=_STATIC,
        goal=0.85,
        connections=64,
    ),
    Pair(
        name="read_304",
        store="sqlite",
        title="the same with `If-None-Match`, answered 304, against the same static bytes",
        ours=_KNOWN,
        ceiling=_STATIC,
        goal=1.0,
        connections=64,
    ),
    Pair(
        name="read_cold",
        store="sqlite",
        title="each time another number, from SQLite, against bare aiosqlite fetching the same bytes in one handler",
        ours=_COLD,
        ceiling=_BARE,
        goal=0.5,
        connections=64,
    ),
    Pair(
        name="read_cold_pg",
        store="postgresql",
        title="the same from PostgreSQL, against bare asyncpg fetching the same bytes in one handler",
        ours=_COLD,
        ceiling=_BARE,
        goal=0.5,
        connections=64,
    ),
    Pair(
        name="ack_sqlite",
        store="sqlite",
        title="a signed push, committed to SQLite before the 200, against the same handler without a store",
        ours=_PUSH,
        ceiling=_STORELESS,
        goal=0.45,
        connections=128,
    ),
    Pair(
        name="ack_pg",
        store="postgresql",
        title="a signed push, committed to PostgreSQL before the 200, against the same handler without a store",
        ours=_PUSH,
        ceiling=_STORELESS,
        goal=0.35,
        connections=128,
    ),
)

NAMES: tuple[str, ...] = tuple(pair.name for pair in PAIRS)


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The pairs of these names, with one server per store."""
    pairs = [pair for pair in PAIRS if pair.name in names]
    for store in dict.fromkeys(pair.store for pair in pairs):
        with database(store, folder) as url, server(url, plan.shipments) as (at, pid):
            for pair in pairs:
                if pair.store == store:
                    yield _measured(pair, at, pid, plan)


@contextmanager
def server(database_url: str, shipments: int) -> Iterator[tuple[Address, int]]:
    """The process under test, until the block ends: where it is, and its process id."""
    command = [sys.executable, "-m", "tests.bench.server", database_url, str(cores()[0]), str(shipments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the server under test ended with {process.wait()}")
        yield Address(**json.loads(said)), process.pid
        process.stdin.close()


def _measured(pair: Pair, at: Address, pid: int, plan: Plan) -> Figure:
    """Ours and the ceiling in turn, by a load of its own. Raise RuntimeError with its words at a wrong answer."""
    job = Job(
        targets=[_target(side, at) for side in (pair.ours, pair.ceiling)],
        connections=plan.connections or pair.connections,
        rounds=plan.rounds,
        seconds=plan.seconds,
        warm=plan.warm,
        core=cores()[1],
    )
    command, before, began = [sys.executable, "-m", "tests.bench.load"], wanted(pid), time.monotonic()
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr.strip().splitlines()[-1]}")
    ours, ceiling = (Tally(**tally) for tally in json.loads(done.stdout))
    return figure(pair, ours, ceiling, (wanted(pid) - before) / (time.monotonic() - began))


def _target(side: Side, at: Address) -> Target:
    return Target(port=side.port(at), requests=side.requests(at), expect=side.expect)


def figure(pair: Pair, ours: Tally, ceiling: Tally, server: float) -> Figure:
    """server: the share of the time in which the server had work.

    A round in which one side came to nothing tells of the machine, and is left out. Raise ValueError when half are.
    """
    rounds = [both for both in zip(ours.rates, ceiling.rates, strict=True) if min(both) > 0]
    stalled = len(ours.rates) - len(rounds)
    if len(rounds) <= stalled:
        raise ValueError(f"in {stalled} of {len(ours.rates)} rounds one side came to nothing")
    idle = f"the server had work only {server:.0%} of the time: the load or the store was the limit"
    notes = [idle] if server < _BUSY else []
    notes += [f"{stalled} rounds were left out: the machine stood still"] if stalled else []
    return Figure(
        name=pair.name,
        title=pair.title,
        unit=pair.unit,
        goal=pair.goal,
        ours=[mine for mine, _ in rounds],
        ceiling=[top for _, top in rounds],
        beside=f"p50 {ours.p50_ms:.1f} ms, p99 {ours.p99_ms:.1f} ms, server at work {server:.0%}",
        notes=notes,
    )
