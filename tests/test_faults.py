"""The short form of `make faults`: each is done to a real gateway for some seconds; nothing is lost or doubled."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from tests.faults.carriers import QUICK
from tests.faults.every import NAMES, PLACES, faults
from tests.faults.finding import Finding
from tests.faults.table import BEGIN, END, PAGE, written

#: A carrier that hangs or trickles is known after the gateway's own deadlines only; a clock that is wrong for good, and
#: the second and third kind of Redis, are left to `make faults`.
LONG = {
    *(f"carrier-{kind}" for kind in ("hangs", "trickles")),
    *("clock-ahead", "clock-behind", "clock-behind-and-back", "redis-wiped", "redis-slow"),
}
TOGETHER = [[name for name in place.faults if name not in LONG] for place in PLACES]


@pytest.mark.e2e
@pytest.mark.timeout(400)
@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
async def test_nothing_is_lost_or_doubled_by_a_fault(names: list[str]) -> None:
    async with aclosing(faults(names, short=True)) as findings:  # the town goes with it, whatever was found
        async for finding in findings:
            assert finding.good, finding
            assert finding.line() == {
                "fault": finding.fault, "runs": finding.runs, "kills": finding.kills, "lost": 0, "doubled": 0,
            }  # fmt: skip


def test_what_is_left_out_is_named() -> None:
    assert set(NAMES) >= LONG
    assert sorted([*LONG, *(name for names in TOGETHER for name in names)]) == sorted(NAMES)
    assert {f"carrier-{kind}" for kind in QUICK}.isdisjoint(LONG)


def test_a_finding_that_is_wrong_is_not_good() -> None:
    finding = Finding(fault="x", done="y")
    assert finding.good
    finding.expect(False, "somebody waited")
    assert not finding.good
    assert finding.row() == "| x | y | **wrong:** somebody waited | 0 | 0 |"
    assert not Finding(fault="x", done="y", lost=["push"]).good
    assert not Finding(fault="x", done="y", doubled=["coupon"]).good


def test_the_table_is_written_between_its_marks() -> None:
    page = f"by hand\n{BEGIN}\nold\n{END}\nby hand too\n"
    findings = [Finding(fault="disk full", done="filled", seen=["503", "reads go on"], lost=["push"])]
    assert written(page, findings, datetime(2026, 5, 1, tzinfo=UTC), 2) == (
        f"by hand\n{BEGIN}\n`make faults` on 2026-05-01, 2 cores:\n\n"
        "| fault | what was done | what was seen | lost | doubled |\n|---|---|---|---|---|\n"
        f"| disk full | filled | 503; reads go on | 1 | 0 |\n{END}\nby hand too\n"
    )
    with pytest.raises(ValueError, match="faults"):
        written("by hand", findings, datetime(2026, 5, 1, tzinfo=UTC), 2)


def test_the_page_has_the_marks_and_every_fault() -> None:
    _, _, table = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    assert table.partition(END)[0].count("\n| ") == 1 + len(NAMES)
