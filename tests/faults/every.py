"""Every fault by its name, with the ground it is done on: faults of one ground share a gateway."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults import burst, carriers, clock, disk, postgres, redis
from tests.faults.finding import Finding

Ground = Callable[[Path, bool], AbstractAsyncContextManager[Any]]
Fault = Callable[[Any, bool], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Place:
    """ground(folder, short) opens it; each fault(ground, short) is done to it, one after the other."""

    ground: Ground
    faults: dict[str, Fault]


PLACES = (
    Place(
        postgres.ground,
        {
            "postgres-restarted": postgres.restarted,
            "commit-cut": postgres.cut_at_commit,
            "postgres-hangs": postgres.hangs,
        },
    ),
    Place(redis.ground, {"redis-stopped": redis.stopped, "redis-wiped": redis.wiped, "redis-slow": redis.slow}),
    Place(disk.ground, {"disk-full": disk.full}),
    Place(
        clock.ground,
        {
            "clock-ahead-and-back": clock.taken_back("clock ahead", timedelta(days=2)),
            "clock-behind-and-back": clock.taken_back("clock behind", timedelta(days=-1)),
            "clock-ahead": clock.for_good("clock ahead, for good", timedelta(days=2)),
            "clock-behind": clock.for_good("clock behind, for good", timedelta(days=-1)),
        },
    ),
    Place(carriers.ground, {f"carrier-{kind}": carriers.fault(kind) for kind in carriers.ILL}),
    Place(burst.ground, {"burst": burst.ten_times}),
)
NAMES = [name for place in PLACES for name in place.faults]


async def faults(names: Iterable[str], *, short: bool) -> AsyncGenerator[Finding]:
    """Do them, and tell what was seen of each when it has been done."""
    for place in PLACES:
        wanted = {name: fault for name, fault in place.faults.items() if name in names}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="gateway-faults-") as folder:
            async with place.ground(Path(folder), short) as ground:
                for name, fault in wanted.items():
                    try:
                        finding = await fault(ground, short)
                    except AssertionError as error:  # it never came to its end; the others are still done
                        finding = Finding(fault=name, done="", wrong=[str(error)[:2000]])
                    yield finding
