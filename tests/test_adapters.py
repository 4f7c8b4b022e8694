"""Every file in adapters/ passes every check of the compliance suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compliance import assert_clean, rows


@pytest.mark.parametrize(("path", "code"), rows("adapters"))
async def test_adapter_passes(path: Path, code: str) -> None:
    await assert_clean(path, code)
