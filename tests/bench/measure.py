"""Both sides of a pair in turn, several rounds, on cores of their own: medians, and how far the rounds lay apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.bench.load import Job, Tally
from tests.bench.pairs import Pair, Side
from tests.bench.server import Address
from tests.servers import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """rounds: of each pair. seconds: each side is counted per round, after `warm` seconds that are not."""

    rounds: int = 7
    seconds: float = 2.0
    warm: float = 0.5
    connections: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Both sides of every round, in the order they were measured."""

    pair: Pair
    ours: Sequence[Tally]
    ceiling: Sequence[Tally]

    @property
    def rates(self) -> tuple[float, float]:
        """Ours and the ceiling: the medians."""
        return median(one.rate for one in self.ours), median(one.rate for one in self.ceiling)

    @property
    def ratio(self) -> float:
        ours, ceiling = self.rates
        return ours / ceiling

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a single round."""
        ratios = [ours.rate / top.rate for ours, top in zip(self.ours, self.ceiling, strict=True)]
        return min(ratios), max(ratios)

    @property
    def reached(self) -> bool:
        return self.ratio >= self.pair.goal


def cores() -> tuple[int, int]:
    """For the server and for the load (and PostgreSQL); the same one where there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


@contextmanager
def server(database_url: str) -> Iterator[Address]:
    """The process under test, until the block ends."""
    command = [sys.executable, "-m", "tests.bench.server", database_url, str(cores()[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the server under test ended with {process.wait()}")
        yield Address(**json.loads(said))
        process.stdin.close()


def load(side: Side, at: Address, connections: int, plan: Plan) -> Tally:
    """One side for one round. Raise RuntimeError with what the load said when an answer was wrong."""
    job = Job(
        port=side.port(at),
        requests=side.requests(at),
        expect=side.expect,
        connections=connections,
        seconds=plan.seconds,
        warm=plan.warm,
        core=cores()[1],
    )
    command = [sys.executable, "-m", "tests.bench.load"]
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr.strip().splitlines()[-1]}")
    return Tally(**json.loads(done.stdout))


def measure(pair: Pair, at: Address, plan: Plan) -> Result:
    """Ours and the ceiling alternately; whoever was second goes first in the next round."""
    ours: list[Tally] = []
    ceiling: list[Tally] = []
    for number in range(plan.rounds):
        sides = [(pair.ours, ours), (pair.ceiling, ceiling)]
        for side, tallies in sides if number % 2 == 0 else reversed(sides):
            tallies.append(load(side, at, plan.connections or pair.connections, plan))
    return Result(pair=pair, ours=ours, ceiling=ceiling)


def measure_all(pairs: Sequence[Pair], plan: Plan, folder: Path, tell: Callable[[Result], None]) -> list[Result]:
    """Every pair, with one server per store; databases lie in `folder`, on the disk that is measured, and go again."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for store in dict.fromkeys(pair.store for pair in pairs):
        with database(store, folder) as url, server(url) as at:
            for pair in pairs:
                if pair.store == store:
                    results.append(measure(pair, at, plan))
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
