"""`python -m tests.crash --runs 1000 [--seed n] [--lease s] [--store sqlite|cluster|both]`; ends with one line of JSON.

Both stores go at once, each in a process of its own. Whole (1,000 runs over both), it writes the table in
docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.crash import table
from tests.crash.alone import CAMPAIGNS, on, say
from tests.crash.campaign import LEASE_SECONDS
from tests.crash.report import Report, total


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1000, help="in all")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6), help="of kills, moments and parcels")
    arguments.add_argument("--store", choices=(*CAMPAIGNS, "both"), default="both")
    arguments.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds; more for a very busy machine")
    given = arguments.parse_args()
    chosen = list(CAMPAIGNS) if given.store == "both" else [given.store]
    say(f"seed {given.seed}")
    reports = _at_once(shares(given.runs, chosen), given.seed, given.lease)
    for store, report in reports.items():
        for word, lines in (("lost", report.lost), ("doubled", report.doubled), ("nobody can know", report.unsure)):
            for line in lines:
                say(f"{store}: {word}: {line}")
    if table.whole(reports):
        table.write(reports)
    print(json.dumps(total(reports.values())), flush=True)  # noqa: T201 - a command
    return 0 if all(report.clean for report in reports.values()) else 1


def shares(runs: int, stores: list[str]) -> dict[str, int]:
    return {store: runs // len(stores) + (turn < runs % len(stores)) for turn, store in enumerate(stores)}


def _at_once(runs: dict[str, int], seed: int, lease: float) -> dict[str, Report]:
    """A process for each store: the stand-ins and the judge of one take nothing of the other's time."""
    with ProcessPoolExecutor(len(runs), multiprocessing.get_context("spawn")) as processes:
        under_way = {store: processes.submit(on, store, number, seed, lease) for store, number in runs.items()}
        return {store: campaign.result() for store, campaign in under_way.items()}


if __name__ == "__main__":
    sys.exit(main())
