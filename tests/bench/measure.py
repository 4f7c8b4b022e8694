"""How it is measured: both sides in turn, many short rounds, on cores of their own, before other processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Postgres

_SESSION = Path("/proc/self/autogroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """rounds: of each row, an odd number. seconds: each side is counted per round, after `warm` that are not.

    shipments: in the store. many, few: shipments where growth is measured, and what they are compared with.
    """

    rounds: int = 21
    seconds: float = 0.5
    warm: float = 0.1
    connections: int | None = None
    shipments: int = 100_000
    many: int = 1_000_000
    few: int = 10_000


def cores() -> tuple[int, int]:
    """For the server and for the load (and PostgreSQL); the same one where there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


def in_turn(ours: Callable[[], float], ceiling: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """What both sides came to in each round; who was last goes first in the next. The first is thrown away."""
    sides: tuple[tuple[Callable[[], float], list[float]], ...] = (ours, []), (ceiling, [])
    for side, _ in sides:
        side()
    for number in range(rounds):
        for side, told in sides if number % 2 == 0 else reversed(sides):
            told.append(side())
    return sides[0][1], sides[1][1]


def wanted(pid: int) -> float:
    """Seconds in which a process has run or stood in line for its core, all its threads."""
    ran = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    stood = sum(int(thread.read_text().split()[1]) for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return ran / os.sysconf("SC_CLK_TCK") + stood / 1e9


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
