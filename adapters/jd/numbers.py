"""The forms of JD's waybill numbers. Sources: the fact sheet carriers/jd.md and what is in use.

A parcel's label adds its place among the waybill's parcels (-1-1-); JD tracks the waybill. DHL's JD has 17 digits up.
"""

from __future__ import annotations

from gateway.domain import Confidence, NumberPattern

_WAYBILL = "JD(?:[A-Z]{1,2}[0-9]{11,12}|[0-9]{13})"

NUMBERS = (
    NumberPattern(form=_WAYBILL, says=Confidence.CERTAIN, note="JD, letters and 11 to 13 digits"),
    NumberPattern(
        form=f"(?P<number>{_WAYBILL})-[0-9]{{1,3}}-[0-9]{{1,3}}-?",
        says=Confidence.LIKELY,
        note="a parcel of a waybill",
    ),
)
