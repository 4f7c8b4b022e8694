"""First as fast as it goes, to know the ceiling; then for long at half of that."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from gateway.sandbox.environment import variables
from gateway.sandbox.server import serve
from gateway.sandbox.world import World
from tests.e2e.process import ROOT, GatewayProcess
from tests.servers import free_port
from tests.soak.life import Life
from tests.soak.watch import Sample, drained, memory_mb, percentile, waiting

_SCANS = re.compile(r'^gateway_scans_total\{carrier="zto",source="webhook"\} (\S+)$', re.MULTILINE)
#: Seconds that the queues may take to be empty after the load has stopped.
_DRAIN = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """ceiling, offered: pushes a second. lost: answered with yes and not among the scans. drained: seconds until every
    queue was empty at the end."""

    ceiling: float
    offered: float
    samples: list[Sample]
    registered: int
    pushed: int
    read: int
    busy: int
    wrong: dict[str, int]
    lost: int
    drained: float
    disk_mb: float

    @property
    def growth(self) -> float:
        """Memory of the last quarter against the second one, medians: the first quarter fills caches."""
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return _median([one.memory_mb for one in late]) / _median([one.memory_mb for one in early])

    @property
    def backlog(self) -> tuple[float, float]:
        """Unread pushes, the medians of the first half and of the second."""
        half = len(self.samples) // 2
        return _median([one.waiting for one in self.samples[:half]]), _median(
            [one.waiting for one in self.samples[half:]]
        )

    @property
    def deeds_left(self) -> int:
        """Deeds due at the emptiest moment of the last quarter: those of a wave come at once and are worked off."""
        return min(one.deeds for one in self.samples[-(len(self.samples) // 4) :])

    @property
    def steady(self) -> bool:
        """Flat memory, backlogs that did not grow (by more than a second's pushes), nothing lost, nothing wrong."""
        before, after = self.backlog
        kept_up = after <= before + self.offered and self.deeds_left <= self.offered
        return self.growth <= 1.1 and kept_up and not self.lost and not self.wrong


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def prepared(folder: Path) -> Path:
    """The sandbox's carriers and providers with the policies that a shop has, and no cap that would keep it quiet."""
    config = folder / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)
    for name in ("polling", "stalls", "messages", "playbooks"):
        shutil.copy(ROOT / "config" / f"{name}.yaml", config)
    return config


async def soak(folder: Path, database_url: str, seconds: float, warm: float, told: Callable[[str], None]) -> Report:
    """The whole campaign on one process of `gateway serve`. warm: seconds in which the ceiling is measured."""
    world = World()
    async with serve(world) as sandbox:
        port = free_port()
        environ = variables(sandbox.port, sandbox.smtp_port, port)
        gateway = GatewayProcess(folder, prepared(folder), database_url, environ, port)
        await gateway.start()
        try:
            return await _run(gateway, folder, seconds, warm, told)
        finally:
            await gateway.close()


async def _run(
    gateway: GatewayProcess, folder: Path, seconds: float, warm: float, told: Callable[[str], None]
) -> Report:
    hasty = Life(gateway.url)
    began = time.monotonic()
    await hasty.run(warm, None)
    await drained(gateway.http, _DRAIN)
    ceiling = hasty.tally.pushed / (time.monotonic() - began)
    told(f"as fast as it goes: {ceiling:.0f} pushes a second, read and followed up to the last")
    steady = Life(gateway.url, first=10_000_000)
    samples: list[Sample] = []
    watching = asyncio.create_task(_watch(gateway, steady, samples, told))
    await steady.run(seconds, ceiling / 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    took = await drained(gateway.http, _DRAIN)
    pushed = hasty.tally.pushed + steady.tally.pushed
    tally = steady.tally
    return Report(
        ceiling=ceiling,
        offered=ceiling / 2,
        samples=samples,
        registered=tally.registered,
        pushed=tally.pushed,
        read=tally.read,
        busy=tally.busy,
        wrong=tally.wrong,
        lost=pushed - await _scans(gateway.http),
        drained=took,
        disk_mb=_disk_mb(folder),
    )


def _disk_mb(folder: Path) -> float:
    """The SQLite file with its log; 0 for another store."""
    return sum(one.stat().st_size for one in folder.glob("gateway.db*")) / 1e6


async def _scans(http: httpx.AsyncClient) -> int:
    """Scans that became part of a history."""
    found = _SCANS.search((await http.get("/metrics", timeout=30)).text)
    return int(float(found[1])) if found else 0


async def _watch(gateway: GatewayProcess, life: Life, samples: list[Sample], told: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(5)
        rows = await waiting(gateway.http)
        times, life.tally.times = life.tally.times, []
        sample = Sample(
            at=time.monotonic() - began,
            memory_mb=memory_mb(gateway.pid),
            waiting=rows["inbox"],
            deeds=rows["outbox"],
            watches=rows["watches"],
            pushed=life.tally.pushed,
            p50_ms=percentile(times, 0.5),
            p99_ms=percentile(times, 0.99),
        )
        samples.append(sample)
        if len(samples) % 12 == 0:
            told(
                f"{sample.at:5.0f} s: {sample.memory_mb:.0f} MB, {sample.waiting} unread, {sample.deeds} deeds, "
                f"{sample.watches} looks due, {sample.pushed} pushed, p99 {sample.p99_ms:.0f} ms"
            )
