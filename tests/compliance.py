"""Every plugin under the compliance suite: what tests/test_adapters.py and tests/test_notifiers.py share."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.contract.suite import CHECKS, Subject, check, subject
from gateway.rules.fold import fold_scans

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "tests" / "samples"


def plugins(folder: str) -> list[Path]:
    """The plugins of a folder: files, and folders with an `__init__.py`; what begins with _ is none."""
    found = [*(ROOT / folder).glob("*.py"), *(path.parent for path in (ROOT / folder).glob("*/__init__.py"))]
    return sorted(path for path in found if not path.name.startswith("_"))


def plugin(folder: str, code: str) -> Path:
    """The file or folder of one plugin."""
    return next(path for path in plugins(folder) if path.stem == code)


def rows(folder: str) -> list[object]:
    """(file or folder, fault code) for each plugin and each check; the checks of one plugin stay in one process."""
    return [
        pytest.param(path, code, id=f"{path.stem}-{code}", marks=pytest.mark.xdist_group(f"{folder}-{path.stem}"))
        for path in plugins(folder)
        for code in CHECKS
    ]


def examined(path: Path) -> Subject:
    return subject(path, SAMPLES / path.stem, fold_scans)


async def assert_clean(path: Path, code: str) -> None:
    found = await check(examined(path), code)
    assert not found, "\n".join(str(problem) for problem in found[:10])
