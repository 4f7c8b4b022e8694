"""What the gateway says of itself and what the machine says of it, sampled while it works."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

_GAUGE = re.compile(r'^(gateway_due|gateway_inbox)\{(?:queue|state)="(\w+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """At so many seconds: resident memory, rows that wait in each queue, pushes a second, and how long they waited."""

    at: float
    memory_mb: float
    waiting: int  # pushes that are not read
    deeds: int  # deeds that are due
    watches: int  # shipments to be looked at
    pushed: int  # so far
    p50_ms: float
    p99_ms: float


async def waiting(http: httpx.AsyncClient) -> dict[str, int]:
    """Rows that wait, by queue: inbox, outbox, watches, polls."""
    text = (await http.get("/metrics", timeout=30)).raise_for_status().text
    found = {(name, label): int(float(value)) for name, label, value in _GAUGE.findall(text)}
    queues = {label: number for (name, label), number in found.items() if name == "gateway_due"}
    return {**queues, "inbox": found.get(("gateway_inbox", "waiting"), 0)}


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_resident(int(one)) for one in (str(pid), *children)) / 1024


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def percentile(times: Sequence[float], share: float) -> float:
    """Milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


async def drained(http: httpx.AsyncClient, seconds: float) -> float:
    """Until no push, deed or look is due; how long it took. Raise TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while True:
            rows = await waiting(http)
            if not rows["inbox"] and not rows["outbox"] and not rows["watches"]:
                return time.monotonic() - began
            await asyncio.sleep(0.2)
