"""The short form of `make crash`: kills at random moments, of one process on SQLite and of five on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.crash.__main__ import shares
from tests.crash.campaign import Tell, on_cluster, on_sqlite
from tests.crash.report import Report, total
from tests.crash.table import BEGIN, END, PAGE, STORES, whole, written

Campaign = Callable[[Path, int, int, Tell], Awaitable[Report]]

RUNS = 15


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.parametrize("campaign", [on_sqlite, on_cluster])
async def test_nothing_is_lost_or_doubled_by_kills_at_random_moments(campaign: Campaign, tmp_path: Path) -> None:
    report = await campaign(tmp_path, RUNS, 1, print)
    assert report.runs == RUNS
    assert report.kills >= RUNS
    assert report.clean, report
    assert report.parcels > 0
    assert report.moments.total() == report.kills


def test_runs_are_shared_by_the_stores_and_added_up() -> None:
    assert shares(1001, ["sqlite", "cluster"]) == {"sqlite": 501, "cluster": 500}
    found = [Report(runs=3, kills=4, lost={"push": None}), Report(runs=2, kills=2, doubled={"a": None, "b": None})]
    assert total(found) == {"runs": 5, "kills": 6, "lost": 1, "doubled": 2}


def test_only_a_whole_campaign_over_both_stores_is_written_down() -> None:
    assert whole({"sqlite": Report(runs=500), "cluster": Report(runs=500)})
    assert not whole({"sqlite": Report(runs=500), "cluster": Report(runs=499)})
    assert not whole({"sqlite": Report(runs=1000)})


def test_what_was_found_is_written_between_the_marks() -> None:
    moments = Counter({"at any time": 4, "while it started": 1, "before": 1, "answered": 2})
    report = Report(runs=6, kills=8, parcels=9, seconds=90, moments=moments, lost={"push": None}, unsure={"m": None})
    page = written(
        f"by hand\n{BEGIN}\nold\n{END}\nby hand too\n", {"sqlite": report}, datetime(2026, 5, 1, tzinfo=UTC), 2
    )
    assert page.startswith(f"by hand\n{BEGIN}\n`make crash` on 2026-05-01, 2 cores")
    assert page.endswith(f"\n| sqlite | 6 | 8 | 3 | 1 | 9 | 1 | 0 | 1 | 2 |\n{END}\nby hand too\n")


def test_the_page_has_the_marks() -> None:
    assert written(PAGE.read_text(encoding="utf-8"), dict.fromkeys(STORES, Report()), datetime.now(UTC), 2)
