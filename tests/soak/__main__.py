"""`python -m tests.soak --minutes 20`: ends with a line of JSON; a whole run writes docs/soak.md and docs/soak.svg."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.report import machine
from tests.plot import lines
from tests.servers import Postgres
from tests.soak.campaign import Report, soak

_ROOT = Path(__file__).parents[2]
#: Shorter runs say something to whoever runs them, not to readers of the docs.
_WHOLE = 20.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_WHOLE)
    parser.add_argument("--warm", type=float, default=60, help="seconds in which the ceiling is measured")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    (_ROOT / "var").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_ROOT / "var", prefix="soak-") as name:
        report = _on(given.store, Path(name), given.minutes * 60, given.warm)
    if given.minutes >= _WHOLE:
        publish(report, given.store, given.minutes)
    print(json.dumps(summary(report)))  # noqa: T201 - what it is for
    return 0 if report.steady else 1


def _on(store: str, folder: Path, seconds: float, warm: float) -> Report:
    if store == "sqlite":
        return asyncio.run(soak(folder, f"sqlite:///{folder}/gateway.db", seconds, warm, _tell))
    with Postgres() as postgres:
        postgres.create("soak")
        return asyncio.run(soak(folder, postgres.url("soak"), seconds, warm, _tell))


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def summary(report: Report) -> dict[str, object]:
    before, after = report.backlog
    return {
        "ceiling": round(report.ceiling),
        "offered": round(report.offered),
        "registered": report.registered,
        "pushed": report.pushed,
        "read": report.read,
        "busy": report.busy,
        "wrong": report.wrong,
        "lost": report.lost,
        "memory_growth": round(report.growth, 3),
        "backlog": [before, after],
        "deeds_left": report.deeds_left,
        "drained_s": round(report.drained, 1),
        "steady": report.steady,
    }


def publish(report: Report, store: str, minutes: float) -> None:
    """docs/soak.md and its plot."""
    series = {
        "memory, MB": [(one.at / 60, one.memory_mb) for one in report.samples],
        "unread pushes": [(one.at / 60, float(one.waiting)) for one in report.samples],
        "deeds due": [(one.at / 60, float(one.deeds)) for one in report.samples],
        "p99 of a push, ms": [(one.at / 60, one.p99_ms) for one in report.samples],
    }
    lines(_ROOT / "docs" / "soak.svg", "At half the ceiling", "minutes", series)
    memory = [one.memory_mb for one in report.samples]
    before, after = report.backlog
    template = (Path(__file__).parent / "soak.md.template").read_text()
    page = template.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        store={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[store],
        minutes=f"{minutes:g}",
        ceiling=f"{report.ceiling:,.0f}",
        offered=f"{report.offered:,.0f}",
        registered=f"{report.registered:,}",
        pushed=f"{report.pushed:,}",
        read=f"{report.read:,}",
        busy=f"{report.busy:,}",
        wrong=sum(report.wrong.values()),
        lost=report.lost,
        first=f"{memory[0]:.0f}",
        most=f"{max(memory):.0f}",
        last=f"{memory[-1]:.0f}",
        growth=f"{report.growth:.2f}",
        before=f"{before:.0f}",
        after=f"{after:.0f}",
        worst=f"{max(one.waiting for one in report.samples):,}",
        p50=f"{sorted(one.p50_ms for one in report.samples)[len(report.samples) // 2]:.0f}",
        p99=f"{sorted(one.p99_ms for one in report.samples)[len(report.samples) // 2]:.0f}",
        deeds=f"{max(one.deeds for one in report.samples):,}",
        left=f"{report.deeds_left:,}",
        drained=f"{report.drained:.1f}",
        disk=f"{report.disk_mb:,.0f}",
        verdict="Steady." if report.steady else "**Not steady.**",
    )
    (_ROOT / "docs" / "soak.md").write_text(page)


if __name__ == "__main__":
    sys.exit(main())
