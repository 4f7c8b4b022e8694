"""The short form of `make crash`: a few kills at random moments on each store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.campaign import campaign

RUNS = 5


@pytest.mark.e2e
@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_doubled_by_kills_at_random_moments(tmp_path: Path, database_url: str) -> None:
    report = await campaign(tmp_path, database_url, RUNS, seed=1)
    assert report.line() == {"runs": RUNS, "kills": RUNS, "lost": 0, "doubled": 0}, report
