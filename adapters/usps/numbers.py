"""The forms of USPS's numbers: by its label specifications and public test data; all have a check digit."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="9[45][0-9]{20}", says=Confidence.CERTAIN, check=Check.GS1, note="22 digits from 94 or 95"),
    NumberPattern(
        form="9[123][0-9]{20}(?:[0-9]{4})?",
        says=Confidence.LIKELY,
        check=Check.GS1,
        note="22 or 26 digits from 91, 92 or 93; partners use them too",
    ),
    NumberPattern(
        form="420[0-9]{5}(?:[0-9]{4})?(?P<number>9[1-5][0-9]{20})",
        says=Confidence.LIKELY,
        check=Check.GS1,
        note="420 and the ZIP code before the number",
    ),
    NumberPattern(
        form="(?:03|23|7[0137]|81)[0-9]{18}",
        says=Confidence.LIKELY,
        check=Check.GS1,
        note="20 digits, certified or registered",
    ),
    NumberPattern(form="[A-Z]{2}[0-9]{9}US", says=Confidence.CERTAIN, check=Check.S10, note="S10 of the United States"),
)
