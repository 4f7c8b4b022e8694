"""One store's campaign, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.crash.campaign import on_cluster, on_sqlite
from tests.crash.report import Report

CAMPAIGNS = {"sqlite": on_sqlite, "cluster": on_cluster}


def on(store: str, runs: int, seed: int, lease: float) -> Report:
    """A campaign in a folder of its own, which is kept when something was found."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # answers to those that have died
    folder = Path(tempfile.mkdtemp(prefix=f"crash-{store}-"))
    try:
        report = asyncio.run(CAMPAIGNS[store](folder, runs, seed, partial(_tell, store), lease))
    except BaseException:
        say(f"{store}: logs and rows are in {folder}")
        raise
    say(f"{store}: {json.dumps(report.line())}")
    if report.clean:
        shutil.rmtree(folder)
    else:
        say(f"{store}: logs and rows are in {folder}")
    return report


def _tell(store: str, what: str) -> None:
    say(f"{store}: {what}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
