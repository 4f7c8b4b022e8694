"""docs/scaling.md: what many live shipments need, reckoned from what was measured. Every assumption is in the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.contract import Can
from tests.compliance import examined, plugins

#: Days a shipment is live, scans of each, reads of each, and how much busier the busiest hour is than the mean.
DAYS, SCANS, READS, PEAK = 5, 8, 20, 3
#: Questions a day about a leg that is pushed, and about one that is not (config/polling.yaml: every 24 and 4 hours).
PUSHED, ASKED = 1, 6
#: What is kept: shipments (config/retention.yaml) and read pushes, in days; bytes of a push as it is kept.
KEPT_DAYS, INBOX_DAYS, PUSH_BYTES = 400, 30, 1_000
#: How much of what was measured a process is given, so that a peak has room.
LOAD = 0.5
LIVE = (1_000_000, 10_000_000, 100_000_000)
_DAY = 86_400
#: Figures that the page needs.
_NEEDED = ("through_pg", "read_cold", "poll", "bytes", "memory_served")


def page(figures: Mapping[str, Mapping[str, Any]], date: str, machine: str) -> str | None:
    """The page; None while a figure that it needs was not measured."""
    if not all(name in figures for name in _NEEDED):
        return None
    ours = {name: float(figures[name]["ours"]) for name in figures}
    template = (Path(__file__).parent / "scaling.md.template").read_text()
    return template.format(
        date=date,
        machine=machine,
        days=DAYS,
        scans=SCANS,
        reads=READS,
        peak=PEAK,
        pushed=PUSHED,
        asked=ASKED,
        kept=KEPT_DAYS,
        inbox=INBOX_DAYS,
        push=PUSH_BYTES,
        load=f"{LOAD:.0%}",
        through=f"{ours['through_pg']:,.0f}",
        cold=f"{ours['read_cold']:,.0f}",
        poll=f"{ours['poll']:,.0f}",
        bytes=f"{ours['bytes']:,.0f}",
        memory=f"{ours['memory_served']:,.0f}",
        needs="\n".join(_needs(ours)),
        quotas="\n".join(_quotas()),
        wall=f"{_most(ours['through_pg']):,.0f}",
    )


def _a_second(live: int, of_each: float) -> float:
    """At the peak, when each of so many shipments causes so much in its life."""
    return live / DAYS * of_each / _DAY * PEAK


def _most(through: float) -> float:
    """Live shipments that one process takes in at the peak."""
    return through * LOAD / _a_second(1, SCANS)


def _needs(ours: Mapping[str, float]) -> list[str]:
    rows = ["| | " + " | ".join(f"{live / 1e6:,.0f} million" for live in LIVE) + " |", "|---|" + "---|" * len(LIVE)]
    rows += [
        _row("pushes a second at the peak", lambda live: f"{_a_second(live, SCANS):,.0f}"),
        _row("worker processes that take them in", lambda live: _processes(_a_second(live, SCANS), ours["through_pg"])),
        _row("reads a second at the peak", lambda live: f"{_a_second(live, READS):,.0f}"),
        _row("web processes, no cache helps", lambda live: _processes(_a_second(live, READS), ours["read_cold"])),
        _row("questions a second, all pushed", lambda live: f"{live * PUSHED / _DAY:,.0f}"),
        _row("questions a second, none pushed", lambda live: f"{live * ASKED / _DAY:,.0f}"),
        _row("processes that ask, none pushed", lambda live: _processes(live * ASKED / _DAY, ours["poll"])),
        _row("live shipments on disk", lambda live: _size(live * ours["bytes"])),
        _row("shipments that are kept", lambda live: f"{live / DAYS * KEPT_DAYS / 1e6:,.0f} million"),
        _row("on disk, what is kept", lambda live: _size(live / DAYS * KEPT_DAYS * ours["bytes"])),
        _row("on disk, the inbox", lambda live: _size(live / DAYS * SCANS * INBOX_DAYS * PUSH_BYTES)),
    ]  # fmt: skip
    return rows


def _row(title: str, value: Any) -> str:
    return f"| {title} | " + " | ".join(value(live) for live in LIVE) + " |"


def _processes(wanted: float, measured: float) -> str:
    return f"{max(1, math.ceil(wanted / (measured * LOAD))):,}"


def _size(number: float) -> str:
    return f"{number / 1e12:,.1f} TB" if number >= 1e12 else f"{number / 1e9:,.0f} GB"


def _quotas() -> list[str]:
    """What one account of each carrier may be asked in a day, and how many live shipments that is."""
    rows = ["| carrier | numbers a day | live, pushed | live, not pushed |", "|---|---|---|---|"]
    for path in plugins("adapters"):
        plugin: Any = examined(path).plugin
        if Can.POLL in plugin.can:
            numbers = plugin.rate.calls / plugin.rate.seconds * plugin.batch * _DAY
            rows.append(f"| {plugin.name} | {numbers:,.0f} | {numbers / PUSHED:,.0f} | {numbers / ASKED:,.0f} |")
    return rows
