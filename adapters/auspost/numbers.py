"""The forms of Australia Post's numbers: article ids of eParcel begin with the merchant's own letters."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (NumberPattern(form="[A-Z]{2}[0-9]{9}AU", says=Confidence.CERTAIN, check=Check.S10, note="S10 of Australia"),)
