"""The short form of `make crash`: kills at random moments, of one process on SQLite and of five on PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.crash.campaign import Tell, on_cluster, on_sqlite
from tests.crash.report import Report

Campaign = Callable[[Path, int, int, Tell], Awaitable[Report]]

RUNS = 15

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.parametrize("campaign", [on_sqlite, on_cluster])
async def test_nothing_is_lost_or_doubled_by_kills_at_random_moments(campaign: Campaign, tmp_path: Path) -> None:
    report = await campaign(tmp_path, RUNS, 1, print)
    assert report.runs == RUNS
    assert report.kills >= RUNS
    assert report.clean, report
