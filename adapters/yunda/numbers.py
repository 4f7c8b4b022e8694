"""The forms of Yunda's waybill numbers, as they are in use; Yunda publishes no check digit."""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

NUMBERS = (
    NumberPattern(form="YD[0-9]{13}", says=Confidence.LIKELY, note="YD and 13 digits"),
    NumberPattern(
        form="(?:31|43|46)[0-9]{11}(?:[0-9]{2})?",
        says=Confidence.LIKELY,
        note="13 or 15 digits from 31, 43 or 46",
    ),
    NumberPattern(form="[0-9]{13}", note="13 digits"),
)
