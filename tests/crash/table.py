"""The table of a whole campaign in docs/reliability.md, written between two marks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.crash.report import Report, total
from tests.pages import DOCS, between

PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- crash: written by `make crash` -->", "<!-- end of crash -->"
#: A campaign of fewer runs, or on one store only, says nothing in the page.
WHOLE, STORES = 1000, frozenset({"sqlite", "cluster"})
_COLUMNS = (
    *("runs", "kills -9", "of them while a provider was asked", "of them during a start"),
    *("parcels judged", "lost", "doubled", "nobody can know", "minutes"),
)


def whole(reports: Mapping[str, Report]) -> bool:
    return reports.keys() >= STORES and total(reports.values())["runs"] >= WHOLE


def written(page: str, reports: Mapping[str, Report], when: datetime, cores: int) -> str:
    """The page with the table of these campaigns, by store. Raise ValueError when the marks are not there."""
    head = f"| store | {' | '.join(_COLUMNS)} |\n|---|{'---|' * len(_COLUMNS)}"
    rows = "\n".join(_row(store, report) for store, report in reports.items())
    said = f"`make crash` on {when:%Y-%m-%d}, {cores} cores, both stores at once:"
    return between(page, BEGIN, END, f"{said}\n\n{head}\n{rows}")


def _row(store: str, report: Report) -> str:
    asked = sum(
        number for moment, number in report.moments.items() if moment not in {"at any time", "while it started"}
    )
    found = (len(report.lost), len(report.doubled), len(report.unsure))
    cells = (report.runs, report.kills, asked, report.moments["while it started"], report.parcels, *found)
    return f"| {store} | {' | '.join(map(str, cells))} | {report.seconds / 60:.0f} |"


def write(reports: Mapping[str, Report]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, reports, datetime.now(UTC), os.cpu_count() or 0), encoding="utf-8")
