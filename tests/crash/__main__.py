"""`python -m tests.crash --runs 1000 [--store sqlite|postgresql|both]`; ends with one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.crash.campaign import Report, campaign
from tests.servers import Postgres


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    given = arguments.parse_args()
    stores = ("sqlite", "postgresql") if given.store == "both" else (given.store,)
    total = Report()
    for store in stores:
        report = _on(store, given.runs // len(stores), given.seed)
        print(f"{store}: {json.dumps(report.line())}", flush=True)  # noqa: T201 - a command
        for line in (*report.lost, *report.doubled):
            print(f"  {line}")  # noqa: T201
        total.runs, total.kills = total.runs + report.runs, total.kills + report.kills
        total.lost, total.doubled = total.lost + report.lost, total.doubled + report.doubled
    print(json.dumps(total.line()))  # noqa: T201
    return 1 if total.lost or total.doubled else 0


def _on(store: str, runs: int, seed: int) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        if store == "sqlite":
            return asyncio.run(campaign(Path(folder), f"sqlite:///{folder}/gateway.db", runs, seed))
        with Postgres() as server:
            server.create("crash")
            return asyncio.run(campaign(Path(folder), server.url("crash"), runs, seed))


if __name__ == "__main__":
    sys.exit(main())
