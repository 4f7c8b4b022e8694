"""`python -m tests.bench`: measure, print, write var/bench.json, docs/performance.md and its plots."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench import report
from tests.bench.figure import Figure, Missing
from tests.bench.measure import Plan, going_first
from tests.bench.rows import measured, modules

_ROOT = Path(__file__).parents[2]
_USUAL = Plan()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="*", help="only these; then only var/bench.json is written, not the page")
    parser.add_argument("--rounds", type=int, default=_USUAL.rounds, help="of each row; at least 5 mean something")
    parser.add_argument("--seconds", type=float, default=_USUAL.seconds, help="that each side is counted per round")
    parser.add_argument("--connections", type=int, help="instead of each row's own")
    parser.add_argument("--shipments", type=int, default=_USUAL.shipments, help="in the store")
    parser.add_argument("--many", type=int, default=_USUAL.many, help="shipments where growth is measured")
    parser.add_argument("--few", type=int, default=_USUAL.few, help="and what they are compared with")
    parser.add_argument("--out", type=Path, default=_ROOT / "var")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    table = modules()
    if unknown := sorted(set(given.name) - set(table)):
        print(f"not measured here: {', '.join(unknown)}; known: {', '.join(table)}", file=sys.stderr)  # noqa: T201
        return 2
    numbers = {name: getattr(given, name) for name in ("rounds", "seconds", "connections", "shipments", "many", "few")}
    plan, names = Plan(**numbers), given.name or list(table)
    folder = given.out / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    missing: list[Missing] = []
    began, took = time.monotonic(), []
    with going_first():
        for row in measured(table, names, plan, folder):
            print(report.line(row), flush=True)  # noqa: T201 - what it is for
            took.append(f"{row.name} {time.monotonic() - began:.0f}")
            began = time.monotonic()
            if isinstance(row, Figure):
                figures.append(row)
            else:
                missing.append(row)
    figures.sort(key=lambda figure: list(table).index(figure.name))
    report.write(given.out / "bench.json", report.document(figures))
    if not given.name:
        report.publish(_ROOT / "docs", figures, missing, plan)
    print(report.verdict(figures, missing))  # noqa: T201
    print(f"seconds, with what was filled for them: {', '.join(took)}")  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
