"""What was measured, for machines (var/bench.json), for the terminal, and for readers (docs/performance.md)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.measure import Plan, Result

_PACKAGES = ("aiohttp", "uvloop", "SQLAlchemy", "aiosqlite", "asyncpg", "pydantic")
#: Below it something else than the server was the limit.
_BUSY = 0.8


def document(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """The content of var/bench.json (house.md section 7)."""
    return {result.pair.name: _row(result) for result in results}


def _row(result: Result) -> dict[str, Any]:
    ratio, ours, ceiling = result.middle
    return {
        "ours": round(ours),
        "ceiling": round(ceiling),
        "ratio": round(ratio, 3),
        "unit": result.pair.unit,
        "goal": result.pair.goal,
    }


def line(result: Result) -> str:
    """One line for the terminal; what falls short says so."""
    row, (low, high) = _row(result), result.spread
    verdict = "reached" if result.reached else "FALLS SHORT"
    told = f"{result.pair.name:<12} {row['ours']:>7} / {row['ceiling']:>7} {row['unit']}  ratio {row['ratio']:.3f}"
    told += f" ({low:.2f} to {high:.2f})  goal {row['goal']:.2f}: {verdict}"
    return told + "".join(f"\n  note: {note}" for note in notes(result))


def notes(result: Result) -> list[str]:
    """What makes a figure doubtful."""
    if result.server >= _BUSY:
        return []
    return [f"the server had work only {result.server:.0%} of the time: the load or the store was the limit"]


def write(path: Path, fresh: dict[str, dict[str, Any]]) -> None:
    """Write what was measured now; what was not is not in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fresh, indent=1) + "\n")


def machine() -> str:
    """Where it was measured, without the machine's name."""
    cpu = next((row.split(":")[1].strip() for row in _lines("/proc/cpuinfo") if row.startswith("model name")), "")
    memory = next((int(row.split()[1]) >> 20 for row in _lines("/proc/meminfo") if row.startswith("MemTotal")), 0)
    return f"{os.cpu_count()} cores of {cpu or platform.machine()}, {memory} GiB, Linux {platform.release()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def page(results: Sequence[Result], plan: Plan) -> str:
    """docs/performance.md with the figures of this run."""
    template = (Path(__file__).parent / "performance.md.template").read_text()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load_average = os.getloadavg()[2]
    return template.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        versions=f"Python {platform.python_version()}, {packages}",
        rounds=plan.rounds,
        seconds=plan.seconds,
        load=f"{load_average:.1f}",
        table="\n".join(_table(results)),
        short=_short(results),
        what="\n".join(f"- `{result.pair.name}`: {result.pair.title}." for result in results),
    )


def _table(results: Sequence[Result]) -> list[str]:
    rows = [
        "| name | ours | ceiling | ratio | middle half of the rounds | server at work | goal | p50 / p99 ours, ms | |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for result in results:
        row, (low, high) = _row(result), result.spread
        p50, p99 = result.ours.p50_ms, result.ours.p99_ms
        verdict = "reached" if result.reached else "**falls short**"
        rows.append(
            f"| `{result.pair.name}` | {row['ours']:,} | {row['ceiling']:,} | **{row['ratio']:.2f}** | {low:.2f} .. "
            f"{high:.2f} | {result.server:.0%} | {row['goal']:.2f} | {p50:.1f} / {p99:.1f} | {verdict} |"
        )
    return rows


def _short(results: Sequence[Result]) -> str:
    names = [f"`{result.pair.name}`" for result in results if not result.reached]
    return f"Falls short of its goal: {', '.join(names)}." if names else "Every goal was reached."
