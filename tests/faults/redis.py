"""A Redis that is stopped, wiped and slow: the gateway does without, and nothing is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.process import eventually
from tests.faults.finding import Finding
from tests.faults.judge import judged
from tests.faults.line import Line
from tests.faults.load import AFTER, Load
from tests.faults.town import Town, town
from tests.servers import Postgres, Redis

#: Seconds that each answer of a slow Redis is late.
SLOW = 2.0


@dataclass
class Ground:
    """Two processes that share a PostgreSQL and a Redis, which they reach over a line of ours."""

    server: Redis
    line: Line
    town: Town

    async def says(self, status: str) -> None:
        """Until /readyz does."""

        async def said() -> bool:
            answer = await self.town.gateway.http.get("/readyz")
            return answer.status_code == 200 and answer.json()["status"] == status

        await eventually(said, f"/readyz does not say {status}", seconds=90)


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Ground]:
    store = await asyncio.to_thread(Postgres().__enter__)
    try:
        store.create("faults")
        with Redis() as server:
            async with Line(server.port) as line:
                environ = {"GATEWAY_REDIS_URL": f"redis://127.0.0.1:{line.port}/0"}
                processes = [] if short else ["--processes", "2"]
                async with town(folder, store.url("faults"), environ=environ, arguments=processes) as found:
                    yield Ground(server=server, line=line, town=found)
    finally:
        await asyncio.to_thread(store.__exit__, None, None, None)


async def stopped(on: Ground, short: bool) -> Finding:
    finding = Finding(fault="Redis stopped", done="stopped and started again under load", runs=1 if short else 2)
    finding.kills = finding.runs
    load = Load(on.town)
    async with load:
        for _ in range(finding.runs):
            await load.more(10)
            load.phase = "without"
            await asyncio.to_thread(on.server.stop)
            await on.says("degraded")
            await load.more(30)
            await asyncio.to_thread(on.server.start)
            await on.says("ok")
            load.phase = AFTER
    return await _judged(load, finding, "without")


async def wiped(on: Ground, short: bool) -> Finding:
    finding = Finding(fault="Redis wiped", done="FLUSHALL under load", runs=3 if short else 10)
    load = Load(on.town)
    async with load:
        load.phase = "wiped"
        for _ in range(finding.runs):
            await _flush(on.server.port)
            await load.more(5)
        await on.says("ok")
    return await _judged(load, finding, "wiped")


async def slow(on: Ground, short: bool) -> Finding:
    finding = Finding(fault="Redis slow", done=f"every answer {SLOW:g} s late, under load", runs=1 if short else 2)
    load = Load(on.town)
    async with load:
        for _ in range(finding.runs):
            await load.more(10)
            load.phase = "slow"
            on.line.slow = SLOW
            await on.says("degraded")
            await load.more(30)
            on.line.slow = 0
            await on.says("ok")
            load.phase = AFTER
    return await _judged(load, finding, "slow")


async def _flush(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"FLUSHALL\r\n")
    assert (await reader.readline()).startswith(b"+OK")
    writer.close()


async def _judged(load: Load, finding: Finding, phase: str) -> Finding:
    pushes, reads = load.pushes[phase], load.reads[phase]
    finding.seen = [f"pushes meanwhile: {pushes}", f"reads: {reads}"]
    if phase != "wiped":
        finding.seen.append("/readyz: 200 and degraded, then ok")
    finding.expect(not pushes.no + reads.no, f"{pushes.no + reads.no} requests without a good answer")
    return await judged(load, finding)
