"""The forms of SF's waybill numbers. Source: the fact sheet carriers/sf.md (isUnifiedWaybillNo) and what is in use."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="SF[0-9]{13}", says=Confidence.CERTAIN, note="SF and 13 digits"),
    NumberPattern(form="SF[0-9]{12}", says=Confidence.LIKELY, note="SF and 12 digits"),
    NumberPattern(form="[0-9]{12}", note="12 digits, the old form"),
)
