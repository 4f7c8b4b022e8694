"""`python -m tests.carriers_page`: writes docs/carriers.md from the adapters themselves."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from gateway.contract import Can, CarrierAdapter, Rate
from gateway.contract.suite import load_plugin
from tests.compliance import SAMPLES, plugins

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "carriers.md"
DEFAULT_RATE = CarrierAdapter.rate

COLUMNS = (
    "carrier", "poll", "webhook", "subscribe", "book", "cancel", "intercept", "numbers per poll", "interval", "pace",
    "words mapped", "samples", "confidence",
)  # fmt: skip
HEAD = f"""# Carriers

Written by `make docs` from the adapters: do not edit it by hand. *poll* asks for tracking, *webhook* takes pushes,
*subscribe* asks for pushes, *book*, *cancel* and *intercept* act on parcels; what an account lacks the settings for it
cannot do. Confidence says how far the provider's documentation could be checked against vendor texts, vendor libraries
or several independent clients. An empty pace means that none is published and the gateway's default holds.

| {" | ".join(COLUMNS)} |
|{"---|" * len(COLUMNS)}
"""


def adapters() -> list[type[CarrierAdapter]]:
    found = [load_plugin(path) for path in plugins("adapters")]
    return [kind for kind in found if issubclass(kind, CarrierAdapter)]


def page() -> str:
    kinds = adapters()
    rows = "\n".join(_row(kind) for kind in kinds)
    return HEAD + rows + "\n" + "".join(_part(kind) for kind in kinds)


def _row(kind: type[CarrierAdapter]) -> str:
    able = [_yes(kind, ability) for ability in Can if ability]
    interval = _span(kind.min_interval) if kind.min_interval else ""
    samples = len(list((SAMPLES / kind.code).rglob("*.json")))
    cells = [f"[{kind.name}](#{kind.code}) `{kind.code}`", *able, str(kind.batch), interval, _pace(kind.rate)]
    return "| " + " | ".join([*cells, str(len(kind.statuses)), str(samples), kind.confidence]) + " |"


def _yes(kind: type[CarrierAdapter], ability: Can) -> str:
    if ability not in kind.can:
        return ""
    return "secret path" if ability is Can.WEBHOOK and kind.trusted_path else "yes"


def _pace(rate: Rate) -> str:
    return "" if rate == DEFAULT_RATE else f"{rate.calls} per {_span(rate.seconds)}"


def _span(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {word}"
    return f"{seconds:g} s"


def _part(kind: type[CarrierAdapter]) -> str:
    module = inspect.getdoc(sys.modules[kind.__module__]) or ""
    notes = [
        "Speaks of many carriers' parcels." if kind.aggregator else "",
        f"A subscription lasts {_span(kind.subscription_life)} and is renewed." if kind.subscription_life else "",
    ]
    extra = " ".join(note for note in notes if note)
    return f"\n## {kind.code}\n\n{module.strip()}\n" + (f"\n{extra}\n" if extra else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
