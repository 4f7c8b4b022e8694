"""What the compliance suite works on: a plugin, its file or folder and its samples (docs/adding-a-carrier.md)."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gateway.contract.carrier import CarrierAdapter, Push
from gateway.contract.notifier import Notifier
from gateway.contract.suite_load import load_plugin, module_name
from gateway.domain import Scan

#: The kinds of sample, by folder.
KINDS = ("polls", "pushes", "deeds", "receipts")

#: Folds scans to something with `.status` and `.reason`; given by the caller: the rules live above the contract.
Fold = Callable[[Sequence[Scan]], Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the suite found. code: the fault (a key of `CHECKS`); sample: the file it showed in, or ''."""

    code: str
    sample: str
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sample + ': ' if self.sample else ''}{self.detail}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample file. kind: its folder; body: its JSON."""

    kind: str
    name: str
    body: dict[str, Any]

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def method(self) -> str:
        """The method of the contract that it plays."""
        found: str = _METHODS.get(self.kind) or self.body["deed"]
        return found

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        return list(self.body.get("exchanges", []))

    @property
    def error(self) -> str | None:
        """The class name of the expected error."""
        found: str | None = self.body.get("error")
        return found


#: The method a sample of each kind plays; a deed names its own.
_METHODS = {"polls": "poll", "pushes": "receive", "receipts": "receipts"}


def succeeds(exchange: dict[str, Any]) -> bool:
    """Whether a scripted answer is a 2xx."""
    response = exchange["response"]
    return "raise" not in response and 200 <= response.get("status", 200) < 300


def written(plugin: type[CarrierAdapter] | type[Notifier], name: str) -> bool:
    """Whether a plugin has its own version of a method of the contract."""
    contract: type = CarrierAdapter if issubclass(plugin, CarrierAdapter) else Notifier
    return getattr(plugin, name, None) is not getattr(contract, name, None)


@dataclass(frozen=True)
class Subject:
    """A plugin under examination. source: its file, or its folder."""

    plugin: type[CarrierAdapter] | type[Notifier]
    folder: Path
    source: Path
    fold: Fold | None = field(default=None, compare=False)

    @property
    def module(self) -> str:
        """The name it is imported under: `adapters.sf`."""
        return module_name(self.source)

    @functools.cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Its source by file name, parsed."""
        files = sorted(self.source.rglob("*.py")) if self.source.is_dir() else [self.source]
        return {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in files}

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """settings.json: settings, now, nonce; what the provider does not do: `body_is_signed`, `no_in_200`, `http`."""
        found: dict[str, Any] = read_json(self.folder / "settings.json")
        return found

    @functools.cached_property
    def brought(self) -> tuple[Sample, ...]:
        """Every sample of the folder."""
        return tuple(
            Sample(kind, path.name, read_json(path))
            for kind in KINDS
            for path in sorted((self.folder / kind).glob("*.json"))
        )

    @functools.cached_property
    def samples(self) -> tuple[Sample, ...]:
        """Those that can be played: of what is not written, the ability check speaks."""
        return tuple(sample for sample in self.brought if written(self.plugin, sample.method))

    def of(self, *kinds: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.kind in kinds]

    def deeds(self, name: str) -> list[Sample]:
        return [sample for sample in self.of("deeds") if sample.body.get("deed") == name]

    @property
    def now(self) -> datetime:
        """The fixed time of the samples."""
        return datetime.fromisoformat(self.manifest.get("now", "2026-03-05T12:00:00+00:00"))

    def push(self, sample: Sample) -> Push:
        """The push of a sample, received now unless it says when."""
        return push_of({"received_at": self.now.isoformat(), **sample.body["push"]})

    @property
    def settings(self) -> dict[str, Any]:
        """The sample settings, with the suite's base_url where the plugin has one."""
        given = dict(self.manifest.get("settings", {}))
        if "base_url" in self.plugin.Settings.model_fields:
            given.setdefault("base_url", self.base_url)
        return given

    @property
    def base_url(self) -> str:
        return f"https://{self.plugin.code}.test"


def subject(source: Path, folder: Path, fold: Fold | None = None) -> Subject:
    """The plugin of a file or folder with its samples. Raise ValueError when it holds none."""
    source = source.parent if source.name == "__init__.py" else source
    return Subject(plugin=load_plugin(source), folder=folder, source=source, fold=fold)


def read_json(path: Path) -> Any:
    """A file of JSON. Raise ValueError naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def push_of(described: dict[str, Any]) -> Push:
    """The push a sample describes: `body` is raw text, `json` is serialised compactly, `form` is URL-encoded."""
    if "json" in described:
        body = compact(described["json"])
    elif "form" in described:
        form = described["form"]
        body = urlencode({name: value if isinstance(value, str) else compact(value) for name, value in form.items()})
    else:
        body = described.get("body", "")
    return Push(
        method=described.get("method", "POST"),
        path=described.get("path", ""),
        query=described.get("query", {}),
        headers={name.lower(): value for name, value in described.get("headers", {}).items()},
        body=body.encode(),
        token=described.get("token"),
        received_at=datetime.fromisoformat(described["received_at"]),
    )
