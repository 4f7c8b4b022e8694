"""Of `gateway serve` as a process of its own: how soon it is ready, what it holds idle, and after very many reads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import uvloop

from tests.bench import wire
from tests.bench.figure import Figure
from tests.bench.fill import fill, number
from tests.bench.load import Once
from tests.bench.measure import Plan, cores, database
from tests.servers import free_port

NAMES = ("start", "memory", "memory_served")
_ROOT = Path(__file__).parents[2]
_STARTS, _IDLE_SECONDS = 5, 3.0
#: Shipments in the store of the first two; the longest that reading may take, and reads under way at once.
_FEW, _READ_SECONDS, _AT_ONCE = 1_000, 420.0, 64
_KEY = "bench-only-bench-only"
#: Nothing is to be polled or swept while it is measured.
_REST = timedelta(days=30)
_MB = 1 << 20
#: Of our own environment. A gateway is started with what it compiled the time before.
_NOT_HANDED_DOWN = ("GATEWAY_", "PYTHONDONTWRITEBYTECODE")


def measure(names: Sequence[str], plan: Plan, folder: Path) -> Iterator[Figure]:
    """The rows of these names, on SQLite."""
    if {"start", "memory"} & set(names):
        with database("sqlite", folder) as url:
            fill(url, min(_FEW, plan.many))
            seen = [_started(url) for _ in range(min(_STARTS, plan.rounds))]
        if "start" in names:
            title = "`gateway serve` on a database that is there, from the start of the process to 200 of /readyz"
            yield _limit("start", title, "s", 2, [seconds for seconds, _ in seen])
        if "memory" in names:
            title = f"resident memory of `gateway serve`, {_IDLE_SECONDS:.0f} s after it was ready, nothing to do"
            yield _limit("memory", title, "MB", 150, [memory for _, memory in seen])
    if "memory_served" in names:
        with database("sqlite", folder) as url:
            fill(url, plan.many, rest=_REST)
            yield _served(url, plan.many)


def _limit(
    name: str, title: str, unit: str, most: float, ours: Sequence[float], notes: Sequence[str] = (), beside: str = ""
) -> Figure:
    ceiling = [most] * len(ours)
    return Figure(
        name=name, title=title, unit=unit, goal=most, less=True, limit=True, ours=ours, ceiling=ceiling, notes=notes,
        beside=beside,
    )  # fmt: skip


@contextmanager
def _process(url: str) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """The process, where it answers, and the seconds until it was ready."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_HANDED_DOWN)}
    environ |= {"GATEWAY_DATABASE_URL": url, "GATEWAY_PORT": str(port), "GATEWAY_CONFIG": str(_ROOT / "config")}
    environ |= {"GATEWAY_SECRET_KEY": _KEY, "GATEWAY_ADMIN_KEY": _KEY}
    began = time.perf_counter()
    command = [sys.executable, "-m", "gateway", "serve"]
    with subprocess.Popen(
        command, cwd=_ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _until_ready(address, process)
            yield process, address, time.perf_counter() - began
        finally:
            process.terminate()


def _until_ready(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.01)
    raise RuntimeError(f"gateway serve was not ready in {seconds:.0f} s, or ended: {process.poll()}")


def _started(url: str) -> tuple[float, float]:
    """(seconds until ready, MB when it has been idle)."""
    with _process(url) as (process, _, seconds):
        time.sleep(_IDLE_SECONDS)
        return seconds, _resident(process.pid)


def _resident(pid: int) -> float:
    """MB. All of the process: shared libraries count."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return kilobytes * 1024 / _MB


def _served(url: str, many: int) -> Figure:
    with _process(url) as (process, address, _):
        os.sched_setaffinity(process.pid, {cores()[0]})
        before = _resident(process.pid)
        read = uvloop.run(_read(int(address.rpartition(":")[2]), many))
        after = _resident(process.pid)
    notes = [] if read == many else [f"only {read:,} of {many:,} were read in {_READ_SECONDS:.0f} s"]
    title = f"resident memory of `gateway serve` after {read:,} different shipments were read over HTTP, one read each"
    return _limit("memory_served", title, "MB", 250, [after], notes, beside=f"{before:.0f} MB before")


async def _read(port: int, many: int) -> int:
    """How many numbers were read until all were, or the time was over."""
    key = {"Authorization": f"Bearer {_KEY}"}
    requests = (wire.read(f"/v1/tracking/{number(place)}", key).encode() for place in range(many))
    meter = Once(port, requests, many)
    await meter.run(_AT_ONCE, _READ_SECONDS)
    return many - meter.left
