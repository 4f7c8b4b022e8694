"""Which of our languages a reader gets: the one that is asked for, else what the browser accepts, else the shop's."""

from __future__ import annotations

from functools import lru_cache

from gateway.runtime import Runtime
from gateway.words import Words


def language(rt: Runtime, asked: str | None, accepted: str | None) -> str:
    """asked: a locale of the query. accepted: an Accept-Language header."""
    return _chosen(rt.words, asked or "", accepted or "", rt.policies.messages.languages[0])


@lru_cache(maxsize=1024)
def _chosen(words: Words, asked: str, accepted: str, own: str) -> str:
    for wanted in (asked, *preferences(accepted)):
        found = words.language(wanted) if wanted else None
        if found is not None and _kin(found) == _kin(wanted):
            return found
    return words.language(own) or own


def preferences(accepted: str) -> list[str]:
    """The languages of an Accept-Language header, the best liked first; those that are refused (q=0) are left out."""
    ranked = []
    for place, part in enumerate(accepted[:1000].split(",")):
        name, _, rest = part.partition(";")
        quality = _quality(rest)
        if name.strip() not in {"", "*"} and quality > 0:
            ranked.append((-quality, place, name.strip()))
    return [name for _, _, name in sorted(ranked)]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _kin(locale: str) -> str:
    return locale.replace("_", "-").split("-")[0].casefold()
