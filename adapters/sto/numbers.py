"""The forms of STO's waybill numbers, as they are in use; STO publishes no check digit."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="77[0-9]{13}", says=Confidence.LIKELY, note="15 digits from 77"),
    NumberPattern(form="[0-9]{12,13}", note="12 or 13 digits, the old form"),
)
