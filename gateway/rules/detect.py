"""Which carriers a tracking number can belong to: ranked candidates with reasons, never one silent guess.

Misread numbers are the field's commonest complaint, so only a form that is nobody else's decides by itself (`certain`):
a carrier's own prefix, or prefix and check digit. Twelve digits are said of half a dozen carriers, whatever they check.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from gateway.domain import Confidence, NumberPattern
from gateway.rules.check_digits import right

_RANK = {confidence: rank for rank, confidence in enumerate(Confidence)}
_SEPARATORS = re.compile(r"[\s._/\-]+")
#: What eyes and scanners confuse: letters for digits, and in the first two places digits for letters too.
_AS_DIGITS = str.maketrans("OQILZSB", "0011258")
_HEADS = (str.maketrans("", ""), str.maketrans("05", "OS"), str.maketrans("IL", "11"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A carrier it may be. number: as that carrier would track it. reasons: the form in words, then machine words:
    "check_digit", "check_digit_wrong", "more_than_the_number" (a suffix was written too) or "misread" (O for 0), and
    "aggregator <row> said so"."""

    carrier: str
    number: str
    confidence: Confidence
    reasons: tuple[str, ...]


def candidates(number: str, patterns: Mapping[str, Sequence[NumberPattern]]) -> list[Candidate]:
    """Best first; of equals in the order of `patterns` (carrier -> the forms of its numbers)."""
    written = _judged(list(_spellings(number)), patterns)
    if any(one.confidence is not Confidence.POSSIBLE for one in written):
        return written
    variants = list(_variants(number))
    misread = [_misread(one) for one in _judged(variants, patterns, sure=True)]
    known = {one.carrier for one in written}
    return [*written, *(one for one in misread if one.carrier not in known)]


def decided(found: Iterable[Candidate]) -> Candidate | None:
    """The one that is certain; None where none is, or more than one."""
    certain = [one for one in found if one.confidence is Confidence.CERTAIN]
    return certain[0] if len(certain) == 1 else None


def _judged(
    spellings: Sequence[str], patterns: Mapping[str, Sequence[NumberPattern]], *, sure: bool = False
) -> list[Candidate]:
    found = []
    for carrier, forms in patterns.items():
        ways = [one for form in forms for spelling in spellings for one in _judge(carrier, form, spelling, sure=sure)]
        found += sorted(ways, key=_rank)[:1]
    return sorted(found, key=_rank)


def _rank(candidate: Candidate) -> int:
    return _RANK[candidate.confidence]


def _judge(carrier: str, pattern: NumberPattern, spelling: str, *, sure: bool) -> Iterator[Candidate]:
    """sure: only forms that a guess about the writing may rest on, and only with the right check digit."""
    match = re.fullmatch(pattern.form, spelling, re.ASCII)
    if match is None or (sure and pattern.says is not Confidence.CERTAIN):
        return
    tracked = match.groupdict().get("number") or spelling
    fits = pattern.check is None or right(pattern.check, tracked)
    reasons = [pattern.note]
    says = pattern.says
    if pattern.check is not None:
        reasons.append("check_digit" if fits else "check_digit_wrong")
    if tracked != spelling:
        reasons.append("more_than_the_number")
        says = Confidence.LIKELY if says is Confidence.CERTAIN else says
    if fits:
        yield Candidate(carrier=carrier, number=tracked, confidence=says, reasons=tuple(reasons))
    elif (
        pattern.says is Confidence.CERTAIN and not sure
    ):  # its own prefix: a typing error rather than another carrier's
        yield Candidate(carrier=carrier, number=tracked, confidence=Confidence.POSSIBLE, reasons=tuple(reasons))


def plain(number: str) -> str:
    """In capitals and without separators."""
    *_, bare = _spellings(number)
    return bare


def _spellings(number: str) -> Iterator[str]:
    """Without blanks; and without any separator, where that is another text."""
    plain = "".join(unicodedata.normalize("NFKC", number).upper().split())
    yield plain
    if (bare := _SEPARATORS.sub("", plain)) != plain:
        yield bare


def _variants(number: str) -> Iterator[str]:
    bare = plain(number)
    tail = bare[2:].translate(_AS_DIGITS)
    read = dict.fromkeys(bare[:2].translate(head) + tail for head in _HEADS)
    yield from (one for one in read if one != bare)


def _misread(candidate: Candidate) -> Candidate:
    return replace(candidate, confidence=Confidence.POSSIBLE, reasons=(*candidate.reasons, "misread"))


def seconded(found: Sequence[Candidate], number: str, said: Mapping[str, Sequence[str]]) -> list[Candidate]:
    """`found` with what aggregators say of the number as it was written: whom one names is likely, never certain.

    said: aggregator -> the carriers it names, best first. Of equals, those that are named come first, in their order.
    """
    bare = plain(number)
    known = {one.carrier: one for one in found}
    for aggregator, carriers in said.items():
        for carrier in carriers:
            known[carrier] = _named(known.get(carrier), carrier, bare, f"aggregator {aggregator} said so")
    order = {carrier: place for place, carrier in enumerate(dict.fromkeys((*chain(*said.values()), *known)))}
    return sorted(known.values(), key=lambda one: (_rank(one), order[one.carrier]))


def _named(known: Candidate | None, carrier: str, bare: str, reason: str) -> Candidate:
    """A form that only fits another spelling, or whose check digit is wrong, stays as unlikely as it was."""
    if known is None:
        return Candidate(carrier=carrier, number=bare, confidence=Confidence.LIKELY, reasons=(reason,))
    sound = known.confidence is Confidence.POSSIBLE and not {"misread", "check_digit_wrong"} & set(known.reasons)
    says = Confidence.LIKELY if sound else known.confidence
    return replace(known, confidence=says, reasons=(*known.reasons, reason))
