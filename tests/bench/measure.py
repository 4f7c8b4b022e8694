"""Both sides of a pair in turn, many short rounds, on cores of their own: the median, and how far they lay apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.load import Job, Tally, Target
from tests.bench.pairs import Pair, Side
from tests.bench.server import Address
from tests.servers import Postgres

_SESSION = Path("/proc/self/autogroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """rounds: of each pair, an odd number. seconds: each side is counted per round, after `warm` that are not.

    shipments: in the store.
    """

    rounds: int = 31
    seconds: float = 0.5
    warm: float = 0.1
    connections: int | None = None
    shipments: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Both sides of a pair, round by round. server: the share of the time in which the server had work."""

    pair: Pair
    ours: Tally
    ceiling: Tally
    server: float

    @property
    def rounds(self) -> list[tuple[float, float, float]]:
        """(ratio, ours, ceiling) of each, the lowest ratio first."""
        return sorted((ours / top, ours, top) for ours, top in zip(self.ours.rates, self.ceiling.rates, strict=True))

    @property
    def middle(self) -> tuple[float, float, float]:
        """The round with the median ratio: both of its rates were measured within a second of each other."""
        return self.rounds[len(self.rounds) // 2]

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rounds' ratios."""
        ratios = [ratio for ratio, _, _ in self.rounds]
        return ratios[len(ratios) // 4], ratios[len(ratios) * 3 // 4]

    @property
    def reached(self) -> bool:
        return self.middle[0] >= self.pair.goal


def cores() -> tuple[int, int]:
    """For the server and for the load (and PostgreSQL); the same one where there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


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


def measure(pair: Pair, at: Address, pid: int, plan: Plan) -> Result:
    """Ours and the ceiling in turn, by a load of its own. Raise RuntimeError with its words at a wrong answer."""
    job = Job(
        targets=[_target(side, at) for side in (pair.ours, pair.ceiling)],
        connections=plan.connections or pair.connections,
        rounds=plan.rounds,
        seconds=plan.seconds,
        warm=plan.warm,
        core=cores()[1],
    )
    command, before, began = [sys.executable, "-m", "tests.bench.load"], _wanted(pid), time.monotonic()
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr.strip().splitlines()[-1]}")
    ours, ceiling = (Tally(**tally) for tally in json.loads(done.stdout))
    took = time.monotonic() - began
    return Result(pair=pair, ours=ours, ceiling=ceiling, server=(_wanted(pid) - before) / took)


def _target(side: Side, at: Address) -> Target:
    return Target(port=side.port(at), requests=side.requests(at), expect=side.expect)


def _wanted(pid: int) -> float:
    """Seconds in which a process has run or stood in line for its core, all its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(sum(map(int, thread.read_text().split()[:2])) for thread in threads) / 1e9


@contextmanager
def going_first() -> Iterator[None]:
    """Before whatever else the machine does, where we may: both sides alike.

    Linux shares a core between sessions first (autogroup); there the nice value of a single process says nothing.
    """
    with suppress(OSError):
        _SESSION.write_text("-19")
    try:
        yield
    finally:
        with suppress(OSError):
            _SESSION.write_text("0")


def measure_all(pairs: Sequence[Pair], plan: Plan, folder: Path, tell: Callable[[Result], None]) -> list[Result]:
    """Every pair, with one server per store; databases lie in `folder`, on the disk that is measured, and go again."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for store in dict.fromkeys(pair.store for pair in pairs):
        with database(store, folder) as url, server(url, plan.shipments) as (at, pid):
            for pair in pairs:
                if pair.store == store:
                    results.append(measure(pair, at, pid, plan))
                    tell(results[-1])
    return results


@contextmanager
def database(store: str, folder: Path) -> Iterator[str]:
    """An empty one. PostgreSQL gets the core of the load: in earnest it has a machine of its own."""
    with ExitStack() as stack:
        if store == "sqlite":
            yield f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory(dir=folder))}/gateway.db"
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cores()[1]})
        postgres = stack.enter_context(Postgres())
        os.sched_setaffinity(0, before)
        postgres.create("bench")
        yield postgres.url("bench")
