"""`python -m tests.bench`: measure, print, write var/bench.json and docs/performance.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import report
from tests.bench.measure import Plan, Result, going_first, measure_all
from tests.bench.pairs import PAIRS

_ROOT = Path(__file__).parents[2]
_USUAL = Plan()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="*", help="only these; then only var/bench.json is written, not the page")
    parser.add_argument("--rounds", type=int, default=_USUAL.rounds, help="of each pair; at least 5 mean something")
    parser.add_argument("--seconds", type=float, default=_USUAL.seconds, help="that each side is counted per round")
    parser.add_argument("--connections", type=int, help="instead of each pair's own")
    parser.add_argument("--out", type=Path, default=_ROOT / "var")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    known = [pair.name for pair in PAIRS]
    if unknown := sorted(set(given.name) - set(known)):
        print(f"not measured here: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)  # noqa: T201
        return 2
    pairs = [pair for pair in PAIRS if not given.name or pair.name in given.name]
    plan = Plan(rounds=given.rounds, seconds=given.seconds, connections=given.connections)
    with going_first():
        results = measure_all(pairs, plan, given.out / "bench", tell)
    report.write(given.out / "bench.json", report.document(results))
    if not given.name:
        (_ROOT / "docs" / "performance.md").write_text(report.page(results, plan))
    short = [result.pair.name for result in results if not result.reached]
    print(f"falls short: {', '.join(short)}" if short else "every goal was reached")  # noqa: T201
    return 0


def tell(result: Result) -> None:
    print(report.line(result), flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    sys.exit(main())
