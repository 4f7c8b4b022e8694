"""The forms of Deppon's waybill numbers, as they are in use; Deppon publishes no check digit."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="DPK[0-9]{12}", says=Confidence.CERTAIN, note="DPK and 12 digits"),
    NumberPattern(form="[0-9]{8,10}", note="8 to 10 digits, the old form"),
)
