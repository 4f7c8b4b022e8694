"""What readers are told for a status and a reason, by language: config/words/<language>.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from gateway.domain import Reason, Status

_KINDS: Mapping[str, type[Status] | type[Reason]] = {"status": Status, "reason": Reason}


class Words:
    """Texts by language. Without any (nothing was configured) our own words stand for themselves."""

    def __init__(self, languages: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None) -> None:
        """languages: language -> "status" or "reason" -> value -> text, the last resort first."""
        self._languages = dict(languages or {})
        #: The language we write for a reader of a locale: this one, else a kin (zh for zh-TW), else the first.
        self.language: Callable[[str | None], str | None] = lru_cache(maxsize=256)(self._language)

    def _language(self, locale: str | None) -> str | None:
        wanted = (locale or "").replace("_", "-").casefold()
        kin = wanted.split("-")[0]
        exact = (name for name in self._languages if name.casefold() == wanted)
        akin = (name for name in self._languages if name.casefold().split("-")[0] == kin)
        return next(exact, None) or next(akin, None) or next(iter(self._languages), None)

    def status(self, locale: str | None, status: Status) -> str:
        return self._word(locale, "status", status)

    def reason(self, locale: str | None, reason: Reason) -> str:
        return self._word(locale, "reason", reason)

    def _word(self, locale: str | None, kind: str, value: str) -> str:
        language = self.language(locale)
        return self._languages[language][kind][value] if language else str(value)


def load(folder: Path, first: str = "zh-CN") -> Words:
    """Read <folder>/*.yaml. first: the last resort. Raise ValueError with every word that is missing, by file."""
    files = sorted(folder.glob("*.yaml"), key=lambda path: (path.stem != first, path.stem))
    languages = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}
    problems = [f"{folder / name}.yaml: {problem}" for name, found in languages.items() for problem in _missing(found)]
    if problems:
        raise ValueError("\n".join(problems))
    return Words(languages)


def _missing(found: Any) -> list[str]:
    return [
        f"{kind}.{value}: a text is needed"
        for kind, values in _KINDS.items()
        for value in values
        if not _text(found, kind, value)
    ]


def _text(found: Any, kind: str, value: str) -> str:
    """The text of a word; "" when the file has none, or something else in its place."""
    texts = found.get(kind) if isinstance(found, dict) else None
    text = texts.get(value) if isinstance(texts, dict) else None
    return text.strip() if isinstance(text, str) else ""
