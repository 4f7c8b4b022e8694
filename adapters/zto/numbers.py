"""The forms of ZTO's waybill numbers, as they are in use; ZTO publishes no check digit."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="7[356789][0-9]{12}", says=Confidence.LIKELY, note="14 digits from 73, 75 .. 79"),
    NumberPattern(form="[0-9]{12}", note="12 digits, the old form"),
)
