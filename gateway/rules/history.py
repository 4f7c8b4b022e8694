"""What is known of a leg: readings of several providers, joined so that neither order nor repetition matters."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from gateway.domain import Basis, Scan, Source, rank

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A scan as we hold it: who told it and when we learned it.

    provider: code of the row in carriers.yaml that told it. direct: told by the carrier itself, not by an aggregator or
    a fallback. echoes: other providers' readings of the same fact, which this one outranks; kept (store them), as
    a text edited later may prove that they were facts of their own.
    """

    scan: Scan
    source: Source
    provider: str
    direct: bool
    learned_at: datetime
    echoes: tuple[Held, ...] = ()

    def learned_after(self, late: timedelta) -> bool:
        """Whether nobody told us until so long after it happened."""
        first = min((self.learned_at, *(echo.learned_at for echo in self.echoes)))
        return first - self.scan.at >= late


class Telling(NamedTuple):
    """Who told a scan and when we learned it, as in `Held`."""

    provider: str
    direct: bool
    learned_at: datetime


def merge(known: Sequence[Held], new: Iterable[Held]) -> list[Held]:
    """The union of both, in the order of their time. Any permutation, repetition or split gives the same list.

    Within a provider the same second, code, status and reason (and text, where there is no code) are one scan: an
    edited text is no second event. Between voices (providers, and the two vocabularies of one that uses different codes
    in pushes and in answers) the same second with the same status or the same text is one fact: the carrier's own word
    stays, else the voice first by name, and carries the others as `echoes`. A reading whose offset nobody knows is the
    fact that another voice tells of the same clock on the wall.
    """
    new = list(new)
    every = sorted([*known, *new], key=_at)
    if _plain(every):
        return every
    before = {one.scan.at: one for one in known}
    rest = [one for one in new if one.echoes or not _repeats(before.get(one.scan.at), one.scan, _telling(one))]
    if len(rest) < len(new):
        return merge(known, rest)
    each: dict[tuple[Any, ...], Held] = {}
    for held in readings(every):
        key = identity(held)
        each[key] = _join(each[key], held) if key in each else held
    return in_order(_without_echoes(each.values()))


def unheard(known: Sequence[Held], scans: Sequence[Scan], told: Telling) -> list[Scan]:
    """The scans without those that `merge` would make nothing of: carriers tell the whole history at every question."""
    alike = 0
    for held, scan in zip(known, scans, strict=False):  # mostly in the same order
        if not _repeats(held, scan, told):
            break
        alike += 1
    before = {one.scan.at: one for one in known[alike:]}
    return [scan for scan in scans[alike:] if not _repeats(before.get(scan.at), scan, told)]


def _repeats(known: Held | None, scan: Scan, told: Telling) -> bool:
    """Whether it says word for word what the same provider said before."""
    if known is None or known.provider != told.provider or known.direct < told.direct:
        return False
    return known.learned_at < told.learned_at and known.scan == scan


def _telling(held: Held) -> Telling:
    return Telling(provider=held.provider, direct=held.direct, learned_at=held.learned_at)


def _plain(ordered: Sequence[Held]) -> bool:
    """Nearly always: nothing can be the same scan or fact as another, for they are a second apart."""
    apart = all(after.scan.at - before.scan.at >= _SECOND for before, after in pairwise(ordered))
    return apart and not any(held.echoes or held.scan.basis is Basis.UNKNOWN for held in ordered)


def _at(held: Held) -> datetime:
    return held.scan.at


def standing(held: Iterable[Held]) -> list[Held]:
    """In order of time, without what a reversal took back: each takes back the newest one before it that stands."""
    result: list[Held] = []
    ordered = in_order(held)
    if all(entry.scan.voids is None for entry in ordered):  # nearly always
        return ordered
    for entry in ordered:
        if entry.scan.voids is not None:
            _take_back(result, entry)
        result.append(entry)
    return result


def in_order(held: Iterable[Held]) -> list[Held]:
    """By the scans' own time; at equal times by the provider's sequence, between providers by the further word."""
    entries = sorted(held, key=_at)
    if all(before.scan.at < after.scan.at for before, after in pairwise(entries)):  # nearly always
        return entries
    last = _last_words(entries)
    return sorted(entries, key=lambda entry: _sequence(entry, last))


def readings(history: Iterable[Held]) -> Iterator[Held]:
    """Every reading, echoes too, each on its own."""
    for held in history:
        if held.echoes:
            yield replace(held, echoes=())
            yield from readings(held.echoes)
        else:
            yield held


def second(scan: Scan) -> int:
    """The second in which it happened, counted from 1970."""
    return int(scan.at.timestamp() // 1)


def identity(held: Held) -> tuple[Any, ...]:
    """What all tellings of one scan by one provider have in common."""
    scan = held.scan
    text = "" if scan.carrier_code else scan.text
    return held.provider, second(scan), scan.carrier_code, scan.status, scan.reason, scan.voids, text


def _join(one: Held, other: Held) -> Held:
    """Two readings of one scan by one provider: the fuller text, and the moment we first learned of it."""
    scan = one.scan if one.scan == other.scan else max(one.scan, other.scan, key=_content)
    learned_at, source = min((one.learned_at, one.source), (other.learned_at, other.source))
    return replace(one, scan=scan, learned_at=learned_at, source=source, direct=one.direct or other.direct)


def _content(scan: Scan) -> tuple[Any, ...]:
    """A total order over everything a scan says, the longer and then the larger text first of all."""
    said = (len(scan.text), scan.text, scan.order, scan.confirmed, not scan.inferred, scan.place, scan.basis)
    known = (scan.event_id or "", scan.company or "", scan.tracking_number)
    return *said, *known, scan.carrier_code, scan.reason or "", scan.voids or "", scan.at, scan.at.isoformat()


def _without_echoes(entries: Iterable[Held]) -> Iterator[Held]:
    seconds: dict[int, list[Held]] = defaultdict(list)
    for held in entries:
        seconds[second(held.scan)].append(held)
    facts: list[Held] = []
    for group in seconds.values():
        one_voice = all(_voice(held) == _voice(group[0]) for held in group)
        facts += group if one_voice else _facts(group)
    yield from _anchored(facts)


def _anchored(facts: Sequence[Held]) -> Iterable[Held]:
    """Facts of unknown offset joined to those that tell the same wall clock, status or text with a known one."""
    if all(held.scan.basis is not Basis.UNKNOWN for held in facts):  # nearly always
        return facts
    anchors: dict[datetime, list[Held]] = defaultdict(list)
    for held in sorted(facts, key=_content_of):
        if held.scan.basis is not Basis.UNKNOWN:
            anchors[_wall(held.scan)].append(held)
    gathered: dict[int, list[Held]] = defaultdict(list)
    floating: list[Held] = []
    for held in facts:
        if held.scan.basis is Basis.UNKNOWN:
            same = (one for one in anchors[_wall(held.scan)] if _same_fact(one, held))
            anchor = next(same, None)
            (floating if anchor is None else gathered[id(anchor)]).append(held)
    known = [held for places in anchors.values() for held in places]
    return [*(_with(held, gathered[id(held)]) for held in known), *floating]


def _with(held: Held, more: Sequence[Held]) -> Held:
    echoes = sorted(readings([*held.echoes, *more]), key=_content_of)
    return replace(held, echoes=tuple(echoes)) if more else held


def _content_of(held: Held) -> tuple[Any, ...]:
    return not held.direct, _voice(held), _content(held.scan), held.scan.status


def _wall(scan: Scan) -> datetime:
    """The clock on the wall where it happened, to the second."""
    return scan.at.replace(tzinfo=None, microsecond=0)


def _facts(readings: Iterable[Held]) -> list[Held]:
    """The facts of one second. A reading belongs to the best other reading that it repeats, and to its root in turn."""
    ordered = sorted(readings, key=lambda held: (not held.direct, held.provider, _content(held.scan), held.scan.status))
    roots: list[int] = []
    for index, held in enumerate(ordered):
        echoed = (better for better in range(index) if _same_fact(ordered[better], held))
        roots.append(next((roots[better] for better in echoed), index))
    groups: dict[int, list[Held]] = {}
    for held, root in zip(ordered, roots, strict=True):
        groups.setdefault(root, []).append(held)
    return [replace(first, echoes=tuple(rest)) for first, *rest in groups.values()]


def _same_fact(one: Held, other: Held) -> bool:
    if _voice(one) == _voice(other) or one.scan.voids != other.scan.voids:
        return False
    if one.scan.status is other.scan.status:
        return True
    text = _normal(one.scan.text)
    return bool(text) and text == _normal(other.scan.text)


def _voice(held: Held) -> tuple[str, str]:
    """Who speaks, in which vocabulary: "push:GOT" and "query:收件" are two; a code without a prefix is plain."""
    vocabulary, colon, _ = held.scan.carrier_code.partition(":")
    return held.provider, vocabulary if colon else ""


def _normal(text: str) -> str:
    """Letters and digits only: providers differ in width, case and punctuation of the same sentence."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def _last_words(entries: Iterable[Held]) -> Mapping[tuple[datetime, str], tuple[int, int]]:
    """What each provider said last at each instant: (its sequence, how far along)."""
    last: dict[tuple[datetime, str], tuple[int, int]] = {}
    for held in entries:
        key, word = (held.scan.at, held.provider), (held.scan.order, rank(held.scan.status))
        last[key] = max(word, last.get(key, word))
    return last


def _sequence(held: Held, last: Mapping[tuple[datetime, str], tuple[int, int]]) -> tuple[Any, ...]:
    scan = held.scan
    _, furthest = last[scan.at, held.provider]
    between_providers = (scan.at, furthest, held.direct, held.provider)
    return *between_providers, scan.order, rank(scan.status), _content(scan)


def _take_back(standing_before: list[Held], reversal: Held) -> None:
    """Remove the newest scan of the reversal's provider and code; nothing to remove is no fault: it may still come."""
    for index in reversed(range(len(standing_before))):
        entry = standing_before[index]
        if entry.provider == reversal.provider and entry.scan.carrier_code == reversal.scan.voids:
            del standing_before[index]
            return
