"""The forms of UPS's tracking numbers. Only 1Z is UPS's own; the others are shared with half the world."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="1Z[0-9A-Z]{15}[0-9]", says=Confidence.CERTAIN, check=Check.ONE_Z, note="1Z and 16 characters"),
    NumberPattern(form="[AHJKTV][0-9]{10}", note="a letter and 10 digits"),
    NumberPattern(form="80[0-9]{16}", note="Mail Innovations, 80 and 16 digits"),
    NumberPattern(form="92[0-9]{20}|92[0-9]{24}", check=Check.GS1, note="Mail Innovations, as USPS writes it"),
)
