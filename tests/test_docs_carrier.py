"""docs/adding-a-carrier.md builds a carrier that the suite finds nothing wrong with and the configuration takes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from gateway.contract.suite import problems, subject
from gateway.rules.fold import fold_scans
from gateway.settings import CarrierRow
from tests.compliance import ROOT

PAGE = ROOT / "docs" / "adding-a-carrier.md"


def unpacked(folder: Path) -> Path:
    """The page's code blocks that name a file, written below the folder."""
    for name, body in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return folder


async def test_the_adapter_of_the_page_is_bronze(tmp_path: Path) -> None:
    unpacked(tmp_path)
    examined = subject(tmp_path / "adapters" / "acme.py", tmp_path / "tests" / "samples" / "acme", fold_scans)
    assert await problems(examined) == []


def test_the_row_of_the_page_fits_the_adapter(tmp_path: Path) -> None:
    unpacked(tmp_path)
    rows = yaml.safe_load((tmp_path / "config" / "carriers.yaml").read_text(encoding="utf-8"))["carriers"]
    row = CarrierRow.model_validate(rows["acme"])
    plugin = subject(tmp_path / "adapters" / "acme.py", tmp_path).plugin
    plugin.Settings.model_validate(row.settings)
