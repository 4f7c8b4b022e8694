"""A PostgreSQL that is stopped and started, whose line breaks in the middle of a commit, and that hangs."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.faults.finding import Finding
from tests.faults.judge import judged
from tests.faults.line import Line
from tests.faults.load import AFTER, Load
from tests.faults.town import Town, town
from tests.servers import Postgres


@dataclass
class Ground:
    """A gateway on a PostgreSQL of its own, behind a line of ours."""

    server: Postgres
    line: Line
    town: Town


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Ground]:
    server = await asyncio.to_thread(Postgres().__enter__)
    try:
        server.create("faults")
        async with Line(server.port) as line:
            url = make_url(server.url("faults")).set(port=line.port).render_as_string(hide_password=False)
            async with town(folder, url) as found:
                yield Ground(server=server, line=line, town=found)
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


async def restarted(on: Ground, short: bool) -> Finding:
    ways = (signal.SIGINT,) if short else (signal.SIGINT, signal.SIGQUIT)
    finding = Finding(
        fault="postgresql restarted", done="stopped and started again (fast, and as if it crashed) under load"
    )
    finding.runs = finding.kills = len(ways)
    load = Load(on.town)
    async with load:
        for way in ways:
            await load.more(20)
            load.phase = "away"
            await asyncio.to_thread(on.server.stop, way)
            await load.refused(10)
            await asyncio.to_thread(on.server.start)
            await load.more(1)
            load.phase = AFTER
            await load.more(20)
    _said(finding, load, "away")
    return await judged(load, finding)


async def cut_at_commit(on: Ground, short: bool) -> Finding:
    wanted = 12 if short else 100
    finding = Finding(
        fault="line to PostgreSQL reset in the middle of a commit",
        done="reset when a COMMIT was on its way, half of them after PostgreSQL got it: its answer is lost",
    )
    chance = random.Random(7)

    def scissors(said: bytes) -> bool | None:
        if b"COMMIT" not in said or chance.random() > 0.2:
            return None
        return chance.random() < 0.5

    load = Load(on.town)
    async with load:
        await load.more(20)
        load.phase = "cut"
        on.line.cuts = 0
        on.line.scissors = scissors
        while on.line.cuts < wanted:
            await load.more(1)
        on.line.scissors = None
        await load.more(10)
    finding.runs = on.line.cuts
    finding.seen = [f"{on.line.cuts} commits cut", f"pushes: {load.pushes['cut']}", f"reads: {load.reads['cut']}"]
    return await judged(load, finding)


#: Seconds in which everybody must have been answered: the deadline of a transaction, a place among the connections, and
#: room for a machine that has much to do.
ANSWERED = 30.0


async def hangs(on: Ground, short: bool) -> Finding:
    finding = Finding(
        fault="postgresql hangs", done="the line swallows everything, without a reset", runs=1 if short else 2
    )
    loop = asyncio.get_running_loop()
    healed = []
    load = Load(on.town)
    async with load:
        for _ in range(finding.runs):
            await load.more(20)
            load.phase = "hanging"
            on.line.hang()
            await load.refused(10)
            on.line.heal()
            load.phase = AFTER
            started = loop.time()
            await load.more(1)
            healed.append(loop.time() - started)
    _said(finding, load, "hanging")
    finding.seen.append(f"a yes again {max(healed):.1f} s after it was back")
    slowest = max(load.pushes["hanging"].slowest, load.reads["hanging"].slowest)
    finding.expect(slowest < ANSWERED, f"somebody waited for {slowest:.0f} s")
    return await judged(load, finding)


def _said(finding: Finding, load: Load, phase: str) -> None:
    """What was answered meanwhile; a no that does not say when to come back is wrong."""
    pushes, reads = load.pushes[phase], load.reads[phase]
    finding.seen += [f"pushes meanwhile: {pushes}", f"reads: {reads}"]
    finding.expect(not pushes.hasty + reads.hasty, f"{pushes.hasty + reads.hasty} x 503 without Retry-After")
    finding.expect(not pushes.cut + reads.cut, f"{pushes.cut + reads.cut} requests without an answer")
    odd = (set(pushes.statuses) | set(reads.statuses)) - {200, 503}
    finding.expect(not odd, f"statuses {sorted(odd)}")
