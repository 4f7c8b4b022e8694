"""`python -m tests.crash --runs 1000 [--seed n] [--lease s] [--store sqlite|cluster|both]`; ends with JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.crash.campaign import LEASE_SECONDS, on_cluster, on_sqlite
from tests.crash.report import Report

CAMPAIGNS = {"sqlite": on_sqlite, "cluster": on_cluster}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1000, help="in all")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6), help="of kills, moments and parcels")
    arguments.add_argument("--store", choices=(*CAMPAIGNS, "both"), default="both")
    arguments.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds; more for a very busy machine")
    given = arguments.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # answers to those that have died
    chosen = list(CAMPAIGNS) if given.store == "both" else [given.store]
    shares = [given.runs // len(chosen) + (turn < given.runs % len(chosen)) for turn in range(len(chosen))]
    _say(f"seed {given.seed}")
    total = Report()
    for store, runs in zip(chosen, shares, strict=True):
        total.add(_on(store, runs, given.seed, given.lease), store)
    for line in total.lost:
        _say(f"lost: {line}")
    for line in total.doubled:
        _say(f"doubled: {line}")
    for line in total.unsure:
        _say(f"nobody can know: {line}")
    print(json.dumps(total.line()), flush=True)  # noqa: T201 - a command
    return 0 if total.clean else 1


def _on(store: str, runs: int, seed: int, lease: float) -> Report:
    """A campaign in a folder of its own, which is kept when something was found."""
    folder = Path(tempfile.mkdtemp(prefix=f"crash-{store}-"))
    try:
        report = asyncio.run(CAMPAIGNS[store](folder, runs, seed, partial(_tell, store), lease))
    except BaseException:
        _say(f"{store}: logs and rows are in {folder}")
        raise
    _say(f"{store}: {json.dumps(report.line())}")
    if report.clean:
        shutil.rmtree(folder)
    else:
        _say(f"{store}: logs and rows are in {folder}")
    return report


def _tell(store: str, what: str) -> None:
    _say(f"{store}: {what}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
