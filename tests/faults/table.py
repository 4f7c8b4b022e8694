"""The table of faults in docs/reliability.md: written between two marks, the rest of the page is by hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.finding import Finding
from tests.pages import between

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: written by `make faults` -->", "<!-- end of faults -->"
_HEAD = "| fault | what was done | what was seen | lost | doubled |\n|---|---|---|---|---|"


def written(page: str, findings: Sequence[Finding], when: datetime, cores: int) -> str:
    """The page with the table of these findings. Raise ValueError when the marks are not there."""
    rows = "\n".join(finding.row() for finding in findings)
    said = f"`make faults` on {when:%Y-%m-%d}, {cores} cores:"
    return between(page, BEGIN, END, f"{said}\n\n{_HEAD}\n{rows}")


def write(findings: Sequence[Finding]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, findings, datetime.now(UTC), os.cpu_count() or 0), encoding="utf-8")
