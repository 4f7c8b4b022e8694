"""What was measured, for machines (var/bench.json), for the terminal, and for readers (docs/performance.md)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import scaling
from tests.bench.figure import Figure, Missing
from tests.bench.measure import Plan
from tests.plot import bars

_PACKAGES = ("aiohttp", "uvloop", "SQLAlchemy", "aiosqlite", "asyncpg", "httpx", "pydantic")


def document(figures: Iterable[Figure]) -> dict[str, dict[str, Any]]:
    """The content of var/bench.json (house.md section 7)."""
    return {figure.name: _row(figure) for figure in figures}


def _row(figure: Figure) -> dict[str, Any]:
    ratio, ours, ceiling = figure.middle
    return {
        "ours": _short(ours),
        "ceiling": _short(ceiling),
        "ratio": round(ratio, 3),
        "unit": figure.unit,
        "goal": figure.goal,
    }


def _short(value: float) -> float:
    """No digits that were not measured: whole above a thousand, four below."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")


def line(row: Figure | Missing) -> str:
    """One line for the terminal; what falls short says so."""
    if isinstance(row, Missing):
        return f"{row.name:<15} COULD NOT BE MEASURED: {row.why}"
    numbers, (low, high) = _row(row), row.spread
    verdict = "reached" if row.reached else "FALLS SHORT"
    told = f"{row.name:<15} {numbers['ours']:>9,} / {numbers['ceiling']:>9,} {row.unit}  ratio {numbers['ratio']:.3f}"
    told += f" ({low:.2f} to {high:.2f})  goal {_goal(row)}: {verdict}"
    return told + "".join(f"\n  note: {note}" for note in row.notes)


def _goal(figure: Figure) -> str:
    if figure.limit:
        return f"at most {figure.goal:,g} {figure.unit}"
    return f"{'at most' if figure.less else 'at least'} {figure.goal:g}"


def verdict(figures: Sequence[Figure], missing: Sequence[Missing]) -> str:
    """The last words."""
    short = [figure.name for figure in figures if not figure.reached]
    told = [f"falls short: {', '.join(short)}"] if short else []
    told += [f"could not be measured: {', '.join(row.name for row in missing)}"] if missing else []
    return "; ".join(told) or "every goal was reached"


def write(path: Path, fresh: dict[str, dict[str, Any]]) -> None:
    """Write what was measured now; what was not is not in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fresh, indent=1) + "\n")


def publish(docs: Path, figures: Sequence[Figure], missing: Sequence[Missing], plan: Plan) -> None:
    """Write the page and its plot into a folder."""
    (docs / "performance.md").write_text(page(figures, missing, plan))
    reckoned = scaling.page(document(figures), f"{datetime.now(UTC):%Y-%m-%d}", machine())
    if reckoned is not None:
        (docs / "scaling.md").write_text(reckoned)
    bars(
        docs / "bench.svg",
        "How far each row came: 1 is its goal",
        [(one.name, one.far, one.reached) for one in figures],
    )


def machine() -> str:
    """Where it was measured, without the machine's name."""
    cpu = next((row.split(":")[1].strip() for row in _lines("/proc/cpuinfo") if row.startswith("model name")), "")
    memory = next((int(row.split()[1]) >> 20 for row in _lines("/proc/meminfo") if row.startswith("MemTotal")), 0)
    return f"{os.cpu_count()} cores of {cpu or platform.machine()}, {memory} GiB, Linux {platform.release()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def page(figures: Sequence[Figure], missing: Sequence[Missing], plan: Plan) -> str:
    """docs/performance.md with the figures of this run."""
    template = (Path(__file__).parent / "performance.md.template").read_text()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return template.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        versions=f"Python {platform.python_version()}, {packages}",
        rounds=plan.rounds,
        seconds=plan.seconds,
        load=f"{os.getloadavg()[2]:.1f}",
        table="\n".join(_table(figures)),
        short=_told(figures, missing),
        what="\n".join(_what(figure) for figure in figures),
    )


def _table(figures: Sequence[Figure]) -> Iterable[str]:
    yield "| name | ours | ceiling | unit | ratio | middle half of the rounds | goal | |"
    yield "|---|---|---|---|---|---|---|---|"
    for figure in figures:
        row, (low, high) = _row(figure), figure.spread
        reached = "reached" if figure.reached else "**falls short**"
        yield (
            f"| `{figure.name}` | {row['ours']:,} | {row['ceiling']:,} | {figure.unit} | **{row['ratio']:.2f}** | "
            f"{low:.2f} .. {high:.2f} | {_goal(figure)} | {reached} |"
        )


def _told(figures: Sequence[Figure], missing: Sequence[Missing]) -> str:
    names = [f"`{figure.name}`" for figure in figures if not figure.reached]
    told = [f"Falls short of its goal: {', '.join(names)}."] if names else []
    told += [f"Could not be measured: `{row.name}` ({row.why})." for row in missing]
    return "\n".join(told) or "Every goal was reached."


def _what(figure: Figure) -> str:
    more = [figure.beside] if figure.beside else []
    more += [f"doubtful: {note}" for note in figure.notes]
    return f"- `{figure.name}`: {figure.title}." + (f" Seen: {'; '.join(more)}." if more else "")
