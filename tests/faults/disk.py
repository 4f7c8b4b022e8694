"""A disk that is full under SQLite: pushes are turned away, reads go on, and it heals when there is space again."""

from __future__ import annotations

import asyncio
import resource
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.finding import Finding
from tests.faults.judge import judged
from tests.faults.load import AFTER, Load
from tests.faults.town import Town, town

#: Of the small file system.
MEGABYTES = 24


class Disk:
    """A small file system of its own where this user may mount one; else the gateway's files may not grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "gateway-faults", str(folder)]
        try:
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            self.mounted = False

    @property
    def kind(self) -> str:
        return f"a tmpfs of {MEGABYTES} MB, filled to the last byte" if self.mounted else "RLIMIT_FSIZE on the gateway"

    def fill(self, pid: int) -> None:
        if self.mounted:
            with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as ballast:
                for size in (1 << 16, 1 << 12):
                    with suppress(OSError):
                        while ballast.write(b"\0" * size) == size:
                            continue
        else:
            largest = max(path.stat().st_size for path in self.folder.iterdir())
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def free(self, pid: int) -> None:
        if self.mounted:
            (self.folder / "ballast").unlink()
        else:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


@dataclass
class Ground:
    disk: Disk
    town: Town


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Ground]:
    disk = Disk(folder / "disk")
    try:
        async with town(folder, f"sqlite:///{disk.folder}/gateway.db") as found:
            yield Ground(disk=disk, town=found)
    finally:
        disk.close()


async def full(on: Ground, short: bool) -> Finding:
    """The second time the gateway is killed while there is no space, and started when there is."""
    finding = Finding(fault="disk full", done=f"SQLite, {on.disk.kind}, under load; then space again")
    finding.runs = 1 if short else 2
    gateway, loop = on.town.gateway, asyncio.get_running_loop()
    healed = []
    load = Load(on.town)
    async with load:
        for number in range(finding.runs):
            await load.more(20)
            load.phase = "full"
            on.disk.fill(gateway.pid)
            await load.refused(20, reads=0)
            if number == 1:
                load.phase = "killed"
                gateway.kill()
                await gateway.ended()
                finding.kills += 1
            on.disk.free(gateway.pid)
            if number == 1:
                await gateway.start()
            load.phase = AFTER
            started = loop.time()
            await load.more(1)
            healed.append(loop.time() - started)
    pushes, reads = load.pushes["full"], load.reads["full"]
    finding.seen = [f"pushes meanwhile: {pushes}", f"reads: {reads}", f"a yes again after {max(healed):.1f} s"]
    finding.expect(not reads.no, f"{reads.no} reads without a good answer")
    finding.expect(not pushes.hasty, f"{pushes.hasty} x 503 without Retry-After")
    finding.expect(finding.kills or not pushes.cut, f"{pushes.cut} pushes without an answer")
    finding.expect(set(pushes.statuses) <= {200, 503}, f"statuses {dict(pushes.statuses)}")
    return await judged(load, finding)
