"""What a carrier's tracking numbers look like: data that adapters and rows of configuration bring."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """How much a number's form says about its carrier."""

    CERTAIN = "certain"  #: nobody else issues such numbers: its prefix, or prefix and check digit, are its own
    LIKELY = "likely"  #: mostly this carrier's
    POSSIBLE = "possible"  #: one of several who issue such numbers


class Check(StrEnum):
    """How the last character of a number is calculated (gateway.rules.check_digits)."""

    ONE_Z = "1z"  #: of UPS, 1Z...: letters count, weights 1 and 2, modulo 10
    S10 = "s10"  #: UPU S10: eight digits weighed 8 6 4 2 3 5 9 7, modulo 11
    MOD11 = "mod11"  #: of FedEx: the last twelve digits, weights 1 3 7 from the right, modulo 11
    GS1 = "gs1"  #: all digits, weights 3 and 1 from the right, modulo 10 (USPS, SSCC)
    GS1_15 = "gs1_15"  #: the same over the last fifteen digits (FedEx Ground)
    MOD7 = "mod7"  #: the digits before the last, modulo 7 (DHL Express)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPattern:
    """One form of a carrier's numbers.

    form: a regular expression for the whole number, in capitals and without separators (a dash where it has a
    meaning); a group `(?P<number>...)` is what the carrier tracks, where people also write more (a package's suffix).
    says: what the form is worth, its check digit being right. note: the form in words, with its source.
    """

    form: str
    says: Confidence = Confidence.POSSIBLE
    check: Check | None = None
    note: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.form)
        except re.error as error:
            raise ValueError(f"form: {self.form!r} is no regular expression: {error}") from error
