"""The forms of the numbers of EMS and China Post: UPU S10, and domestic ones without a check digit."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(
        form="E[A-Z][0-9]{9}CN", says=Confidence.CERTAIN, check=Check.S10, note="S10 of China, service E (EMS)"
    ),
    NumberPattern(form="[A-DF-Z][A-Z][0-9]{9}CN", says=Confidence.LIKELY, check=Check.S10, note="S10 of China"),
    NumberPattern(form="9[89][0-9]{11}", says=Confidence.LIKELY, note="13 digits from 98 or 99"),
    NumberPattern(form="1[0-2][0-9]{11}", note="13 digits from 10, 11 or 12"),
    NumberPattern(form="[0-9]{12}", note="12 digits"),
)
