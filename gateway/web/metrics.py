"""Counters and latencies in OpenMetrics text, kept in this process; what the store knows is asked when scraped."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from gateway.runtime import Runtime
from gateway.store.engine import Tx
from gateway.tracking.change import Change

Count = TypeVar("Count")
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Kept(Generic[Count]):
    """What takes long to count: counted anew when it is asked for and a minute old."""

    SECONDS = 60.0

    def __init__(self) -> None:
        self._count: Count | None = None
        self._until = 0.0

    async def get(self, count: Callable[[], Awaitable[Count]]) -> Count:
        if self._count is None or time.monotonic() >= self._until:
            self._count = await count()
            self._until = time.monotonic() + self.SECONDS
        return self._count


class Histogram:
    """Latencies of one route, by status."""

    __slots__ = ("buckets", "count", "statuses", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.count = 0
        self.total = 0.0
        self.statuses: Counter[int] = Counter()

    def observe(self, seconds: float, status: int) -> None:
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.count += 1
        self.total += seconds
        self.statuses[status] += 1


class Metrics:
    """Route histograms and free counters."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Histogram] = {}
        self._counters: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()

    def route(self, method: str, path: str) -> Histogram:
        return self._routes.setdefault((method, path), Histogram())

    def count(self, name: str, number: int = 1, **labels: str) -> None:
        self._counters[(name, tuple(sorted(labels.items())))] += number

    async def follow(self, rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
        """Counts scans that are news, once they are committed (`Runtime.follow`)."""
        fresh = Counter((held.provider, held.source) for change in changes for held in change.fresh)
        for (carrier, source), number in fresh.items():
            tx.after_commit(partial(self.count, "gateway_scans", number, carrier=carrier, source=source))

    def text(self, gauges: Iterable[tuple[str, Mapping[str, str], float]]) -> str:
        """The exposition: histograms, counters, and gauges given as (name, labels, value)."""
        lines = ["# TYPE gateway_http_seconds histogram"]
        for (method, path), histogram in sorted(self._routes.items()):
            if histogram.count:
                lines += _histogram({"method": method, "route": path}, histogram)
        lines.append("# TYPE gateway_http_answers counter")
        for (method, path), histogram in sorted(self._routes.items()):
            for status, number in sorted(histogram.statuses.items()):
                labels = {"method": method, "route": path, "status": str(status)}
                lines.append(_line("gateway_http_answers_total", labels, number))
        lines += _families(((name, dict(labels), n) for (name, labels), n in self._counters.items()), "counter")
        lines += _families(gauges, "gauge")
        return "\n".join([*lines, "# EOF", ""])


def _histogram(labels: Mapping[str, str], histogram: Histogram) -> Iterable[str]:
    below = 0
    for bound, number in zip([*map(str, _BOUNDS), "+Inf"], histogram.buckets, strict=True):
        below += number
        yield _line("gateway_http_seconds_bucket", {**labels, "le": bound}, below)
    yield _line("gateway_http_seconds_count", labels, histogram.count)
    yield _line("gateway_http_seconds_sum", labels, histogram.total)


def _families(samples: Iterable[tuple[str, Mapping[str, str], float]], kind: str) -> Iterable[str]:
    last = ""
    for name, labels, value in sorted(samples, key=lambda one: (one[0], sorted(one[1].items()))):
        if name != last:
            yield f"# TYPE {name} {kind}"
            last = name
        yield _line(name + ("_total" if kind == "counter" else ""), labels, value)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
