"""docs/reliability.md has a row for every provider that is asked to do something, and says how long keys last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.contract import Can, CarrierAdapter
from gateway.contract.suite import load_plugin
from tests.carriers_page import adapters
from tests.compliance import plugins

PAGE = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text(encoding="utf-8")
KINDS = {kind.code: kind for kind in adapters()}


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table with this heading: first cell -> the others."""
    lines = PAGE.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert all(all(row) for row in rows), "an empty cell"
    assert len({row[0] for row in rows}) == len(rows), "two rows of one provider"
    return {first: rest for first, *rest in rows}


BOOKING = table("| carrier | booking")
BACK = table("| carrier | cancel")
MESSAGES = table("| provider | how a repeat is recognised")


def able(*abilities: Can) -> set[str]:
    return {code for code, kind in KINDS.items() if any(one in kind.can for one in abilities)}


def test_whoever_books_has_a_row() -> None:
    assert set(BOOKING) == able(Can.BOOK)


def test_whoever_takes_back_has_a_row_that_says_how() -> None:
    assert set(BACK) == able(Can.CANCEL, Can.INTERCEPT)
    for column, ability in enumerate((Can.CANCEL, Can.INTERCEPT)):
        offered = {code for code, cells in BACK.items() if cells[column] != "not offered"}
        assert offered == able(ability)


def test_every_notifier_has_a_row() -> None:
    assert set(MESSAGES) == {load_plugin(path).code for path in plugins("notifiers")}


def remembered(kind: type[CarrierAdapter]) -> str:
    """How long a key is known, in the page's words."""
    seconds = kind.remembers_key
    if not seconds:
        return "never relied upon"
    days, hours = divmod(seconds / 3600, 24)
    return f"{days:.0f} days" if not hours and days > 2 else f"{seconds / 3600:.0f} hours"


@pytest.mark.parametrize("code", sorted(code for code, kind in KINDS.items() if kind.remembers_key is not None))
def test_a_key_that_is_forgotten_says_when_and_that_a_person_looks(code: str) -> None:
    said = " ".join(BOOKING[code])
    assert remembered(KINDS[code]) in said
    assert "a person" in said
