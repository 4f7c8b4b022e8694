"""`python -m tests.carriers_page`: writes docs/carriers.md from the adapters themselves."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from gateway.contract import Can, CarrierAdapter, CarrierSettings, Detector, Rate
from gateway.contract.suite import load_plugin
from tests.compliance import SAMPLES, plugins

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "carriers.md"
DEFAULT_RATE = CarrierAdapter.rate
#: Settings that every adapter has.
EVERYWHERE = CarrierSettings.model_fields.keys()

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
        "Can be asked whose number it may be (`detect: true`)." if issubclass(kind, Detector) else "",
        f"A subscription lasts {_span(kind.subscription_life)} and is renewed." if kind.subscription_life else "",
    ]
    extra = " ".join(note for note in notes if note)
    parts = [f"## {kind.code}", module.strip(), extra, _settings(kind)]
    return "".join(f"\n{part}\n" for part in parts if part)


def _settings(kind: type[CarrierAdapter]) -> str:
    """What a row is set with: names, then what they mean, then what an account with fewer of them can do."""
    own = {name: field for name, field in kind.Settings.model_fields.items() if name not in EVERYWHERE}
    needed = [f"`{name}`" for name, field in own.items() if field.is_required()]
    more = [f"`{name}`" for name, field in own.items() if not field.is_required()]
    lists = [f"needed {' '.join(needed)}" if needed else "", f"optional {' '.join(more)}" if more else ""]
    able = inspect.getdoc(kind.able) if kind.able.__func__ is not CarrierAdapter.able.__func__ else ""  # type: ignore[attr-defined]
    meant = inspect.getdoc(kind.Settings) or ""
    return "\n\n".join(filter(None, [f"Settings: {'; '.join(filter(None, lists))}.", meant, able]))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
