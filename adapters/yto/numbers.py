"""The forms of YTO's waybill numbers, as they are in use; YTO publishes no check digit."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="YT[0-9]{13}", says=Confidence.CERTAIN, note="YT and 13 digits"),
    NumberPattern(form="[0-9]{10}|[0-9]{12}|8[0-9]{17}", note="10, 12 or 18 digits, older forms"),
)
