"""docs/carriers.md says what the adapters are."""

from __future__ import annotations

from tests.carriers_page import PAGE, adapters, page


def test_the_page_is_what_the_adapters_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_adapter_says_its_confidence_and_its_source() -> None:
    assert not [kind.code for kind in adapters() if not kind.confidence]
