"""The language chain (BCP 47): from what a reader wants to what we can write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Regions that write Chinese in traditional characters, where no script is named.
_TRADITIONAL = frozenset({"hk", "mo", "tw"})


def speak(wanted: str, languages: Sequence[str]) -> str:
    """One of `languages`: the wanted one, else a shorter form of it, else one of the same script, else of the same
    language, else the first. Raises ValueError when there is none at all."""
    if not languages:
        raise ValueError("a language is needed")
    ours = {_tag(language): language for language in reversed(languages)}
    for tag in _shorter(_tag(wanted)):
        if tag in ours:
            return ours[tag]
    kin = [language for language in languages if _primary(language) == _primary(wanted)]
    same_script = [language for language in kin if _script(language) == _script(wanted)]
    return (same_script or kin or list(languages))[0]


def _tag(language: str) -> str:
    return language.replace("_", "-").casefold()


def _primary(language: str) -> str:
    return _tag(language).split("-")[0]


def _shorter(tag: str) -> Iterator[str]:
    """RFC 4647 lookup: zh-hant-hk, zh-hant, zh."""
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        yield "-".join(parts[:length])


def _script(language: str) -> str:
    primary, *rest = _tag(language).split("-")
    named = next((part for part in rest if len(part) == 4), "")
    if named or primary != "zh":
        return named
    return "hant" if _TRADITIONAL.intersection(rest) else "hans"
