"""What `make run` shows a person, in a real browser."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.picture import ROOT, browse, demo, played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_every_journey_is_seen_to_reach_its_end_within_a_minute(tmp_path: Path) -> None:
    with demo() as address:
        found = played(address)
        page = browse(f"{address}/", "--dump-dom").decode()
        browse(f"{address}/", f"--screenshot={tmp_path / 'demo.png'}")
    assert len(found) >= 8
    assert set(found.values()) == {"reached"}, found
    assert page.count("SORRY-") >= 1
    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert size((tmp_path / "demo.png").read_bytes())[0] == 1500


def test_the_picture_in_the_readme_is_there() -> None:
    assert size((ROOT / "docs" / "demo.png").read_bytes())[0] == 1500
