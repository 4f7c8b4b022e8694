"""One deliberate fault each, planted in a real adapter: on top of its class, or in a copy of its source."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr, create_model

from gateway.contract import BadPayload, Can, CarrierAdapter, Meaning, Push
from gateway.contract.suite import Subject, load_plugin
from gateway.domain import LegRef, Scan, Status

#: Makes the faulty twin of a subject; the folder is for files it needs.
Plant = Callable[[Subject, Path], Subject]

_METHODS = {
    Can.POLL: "poll",
    Can.WEBHOOK: "receive",
    Can.SUBSCRIBE: "subscribe",
    Can.BOOK: "book",
    Can.CANCEL: "cancel",
    Can.INTERCEPT: "intercept",
}


def on_top(change: Callable[[type[CarrierAdapter]], dict[str, Any]]) -> Plant:
    """A subclass with these members."""

    def plant(subject: Subject, folder: Path) -> Subject:
        assert issubclass(subject.plugin, CarrierAdapter)
        faulty = type(f"Faulty{subject.plugin.__name__}", (subject.plugin,), change(subject.plugin))
        return dataclasses.replace(subject, plugin=faulty)

    return plant


def patched(old: str, new: str, *, header: str = "") -> Plant:
    """A copy of the source with one passage changed. The passage must be there, or the plant has withered."""

    def plant(subject: Subject, folder: Path) -> Subject:
        copy = _copied(subject, folder)
        withered = True
        for path in _files(copy):
            source = path.read_text(encoding="utf-8")
            if old in source:
                first, withered = "from __future__ import annotations\n", False
                path.write_text(source.replace(old, new).replace(first, first + header, 1), encoding="utf-8")
        assert not withered, f"{subject.source.name} no longer has {old!r}"
        return dataclasses.replace(subject, plugin=load_plugin(copy), source=copy)

    return plant


def _copied(subject: Subject, folder: Path) -> Path:
    """A copy of a plugin, whose files import those of the copy."""
    copy = folder / subject.source.name
    if subject.source.is_file():
        return Path(shutil.copy(subject.source, copy))
    shutil.copytree(subject.source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in _files(copy):
        text = path.read_text(encoding="utf-8").replace(f"{subject.module}.", f"{folder.name}.{copy.name}.")
        path.write_text(text, encoding="utf-8")
    return copy


def _files(plugin: Path) -> list[Path]:
    return sorted(plugin.glob("*.py")) if plugin.is_dir() else [plugin]


def imports(line: str) -> Plant:
    """The adapter with one import too many (it is only read, never run)."""

    def plant(subject: Subject, folder: Path) -> Subject:
        copy = _copied(subject, folder)
        with _files(copy)[-1].open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
        return dataclasses.replace(subject, source=copy)

    return plant


def guesses_codes(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    def meaning(self: CarrierAdapter, word: str) -> Meaning:
        return self.statuses.get(word, Meaning(Status.IN_TRANSIT))

    return {"meaning": meaning}


def ignores_status(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    def init(self: CarrierAdapter, settings: Any, http: Any, **given: Any) -> None:
        http.event_hooks = {"response": []}
        adapter.__init__(self, settings, http, **given)

    return {"__init__": init}


def skips_the_signature(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    return {"verify": lambda self, request: None}


def takes_empty_secrets(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    fields = adapter.Settings.model_fields
    loose: dict[str, Any] = {
        name: (SecretStr, SecretStr("")) for name, field in fields.items() if "SecretStr" in str(field.annotation)
    }
    return {"Settings": create_model("Loose", __base__=adapter.Settings, **loose)}


def makes_naive_times(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    return _reads_with(adapter, lambda scans: [dataclasses.replace(s, at=s.at.replace(tzinfo=None)) for s in scans])


def forgets_what_it_said(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    """A scan it has told once is not told again: what comes twice folds to something else."""

    def only_new(self: Any, scans: Sequence[Scan]) -> list[Scan]:
        told = self.__dict__.setdefault("told", set())
        new = [scan for scan in scans if scan not in told]
        told.update(new)
        return new

    async def poll(self: Any, legs: Sequence[LegRef]) -> list[Scan]:
        return only_new(self, await adapter.poll(self, legs))

    return {"poll": poll, "receive": lambda self, request: only_new(self, adapter.receive(self, request))}


def chokes_on_rubbish(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    def receive(self: CarrierAdapter, request: Push) -> list[Scan]:
        try:
            return adapter.receive(self, request)
        except BadPayload as error:
            raise KeyError("result") from error

    return {"receive": receive}


def promises_too_much(adapter: type[CarrierAdapter]) -> dict[str, Any]:
    """Declares what is not written; an adapter that can do everything loses its last method instead."""
    missing = [can for can in _METHODS if can not in adapter.can]
    if missing:
        return {"can": adapter.can | missing[0]}
    return {"intercept": CarrierAdapter.intercept}


def _reads_with(adapter: type[CarrierAdapter], change: Callable[[Sequence[Scan]], list[Scan]]) -> dict[str, Any]:
    async def poll(self: CarrierAdapter, legs: Sequence[LegRef]) -> list[Scan]:
        return change(await adapter.poll(self, legs))

    return {"poll": poll, "receive": lambda self, request: change(adapter.receive(self, request))}
