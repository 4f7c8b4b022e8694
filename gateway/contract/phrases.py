"""What a carrier's text means, where the carrier sends no code: an ordered table of patterns per language.

The first pattern that is found decides; `phrases_zh.TABLE` and `phrases_en.TABLE` say why they stand in that order. A
text is read clause by clause: advice, conditions, forecasts and questions are cut out first (`UNTOLD`), for what may
happen is no fact. What is left unsaid is never made up: None, not a guess. How often this is right is measured over
tests/samples/phrases/. A final is concluded only from an explicit word, and from no text that also denies it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import NamedTuple

from gateway.contract import phrases_en, phrases_zh
from gateway.contract.carrier import Meaning
from gateway.domain import Reason, Scan, Status

#: Longer than anything carriers write in one event: not a phrase, so it is not read.
LONGEST = 1000
LANGUAGES = ("zh", "en")

#: A pattern, what it means, and why it stands where it stands.
Row = tuple[str, Status, str] | tuple[str, Status, Reason, str]
_FLAGS = re.ASCII | re.IGNORECASE


class Rule(NamedTuple):
    """One line of a table. pattern: searched in the told clauses, which are joined by `|`."""

    pattern: re.Pattern[str]
    meaning: Meaning
    note: str


class Table(NamedTuple):
    """How one language is read. rules: over what is told. wishes: over the whole text, where nothing is told."""

    ends: re.Pattern[str]
    questions: re.Pattern[str]
    places: re.Pattern[str]
    untold: re.Pattern[str]
    rules: tuple[Rule, ...]
    wishes: tuple[Rule, ...]

    @classmethod
    def of(cls, words: ModuleType) -> Table:
        return cls(
            ends=re.compile(words.ENDS, _FLAGS),
            questions=re.compile(words.QUESTIONS, _FLAGS),
            places=re.compile(words.PLACES, _FLAGS),
            untold=re.compile(words.UNTOLD, _FLAGS),
            rules=tuple(_rule(*row) for row in words.TABLE),
            wishes=tuple(_rule(*row) for row in words.WISHES),
        )

    def told(self, said: str) -> str:
        """The clauses that tell a fact, joined by `|`."""
        stated = self.places.sub("", self.questions.sub("|", said)).translate(_BRACKETS)
        clauses = (self.untold.sub("", clause).strip() for clause in self.ends.split(stated))
        return "|".join(filter(None, clauses))

    def read(self, said: str) -> Meaning | None:
        return _first(self.rules, self.told(said)) or _first(self.wishes, said)


def _first(rules: Sequence[Rule], said: str) -> Meaning | None:
    return next((rule.meaning for rule in rules if rule.pattern.search(said)), None)


def _rule(pattern: str, status: Status, *more: Reason | str) -> Rule:
    *reason, note = more
    return Rule(re.compile(pattern, _FLAGS), Meaning(status, *(Reason(one) for one in reason)), str(note))


TABLES: Mapping[str, Table] = {"zh": Table.of(phrases_zh), "en": Table.of(phrases_en)}
#: Marks around names and places inside a clause.
_BRACKETS = str.maketrans("", "", "【】「」[]")
_CHINESE = re.compile("[\u4e00-\u9fff]")


def read_text(text: str, languages: Sequence[str] = LANGUAGES) -> Meaning | None:
    """What a carrier's sentence means; None where nothing can be concluded. languages: those the carrier writes.

    Only for events without a code (`without_code`). A text with Chinese in it is read as Chinese, any other as English.
    """
    said = plain(text[: LONGEST + 1])
    language = "zh" if _CHINESE.search(said) else "en"
    if max(len(text), len(said)) > LONGEST or language not in languages:
        return None
    return TABLES[language].read(said)


def plain(text: str) -> str:
    """Half-width, with single blanks and straight quotes, as every table expects it."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split())


def without_code(scan: Scan, languages: Sequence[str] = LANGUAGES) -> Scan:
    """The scan as its text tells it, marked inferred, where its carrier sent no code and nothing else was concluded.

    A code is never overruled by text, not even one that nobody has mapped: such a scan comes back as it is.
    """
    if scan.carrier_code or scan.status is not Status.UNKNOWN:
        return scan
    meaning = read_text(scan.text, languages)
    return scan if meaning is None else replace(scan, status=meaning.status, reason=meaning.reason, inferred=True)
