"""The forms of Royal Mail's numbers: only its S10 ones say whose they are."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(
        form="[A-Z]{2}[0-9]{9}GB", says=Confidence.CERTAIN, check=Check.S10, note="S10 of the United Kingdom"
    ),
)
