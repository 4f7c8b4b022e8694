"""The forms of FedEx's tracking numbers. Twelve and fifteen digits are others' too, whatever their check digit."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="96[0-9]{20}", says=Confidence.CERTAIN, check=Check.GS1_15, note="Ground, 96 and 20 digits"),
    NumberPattern(form="96[0-9]{32}", says=Confidence.CERTAIN, check=Check.MOD11, note="Ground, 96 and 32 digits"),
    NumberPattern(form="1[0-9]{33}", says=Confidence.LIKELY, check=Check.MOD11, note="Express, 34 digits"),
    NumberPattern(form="[0-9]{12}", says=Confidence.LIKELY, check=Check.MOD11, note="Express, 12 digits"),
    NumberPattern(form="[0-9]{15}", says=Confidence.LIKELY, check=Check.GS1_15, note="Ground, 15 digits"),
    NumberPattern(form="92612[0-9]{17}", says=Confidence.LIKELY, check=Check.GS1, note="Ground Economy, USPS delivers"),
    NumberPattern(form="00[0-9]{18}", check=Check.GS1, note="SSCC of 20 digits"),
)
