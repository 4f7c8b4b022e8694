"""The forms of DHL's numbers: divisions number their parcels alike, so few are certain."""

from __future__ import annotations

from gateway.domain import Check, Confidence, NumberPattern

NUMBERS = (
    NumberPattern(
        form="JJD[0-9]{10,26}|JD0[0-9]{16,19}|JVGL[0-9]{10,16}",
        says=Confidence.CERTAIN,
        note="piece number: JJD, JD0, JVGL",
    ),
    NumberPattern(form="[0-9]{10}", says=Confidence.LIKELY, check=Check.MOD7, note="Express, 10 digits"),
    NumberPattern(form="[0-9]{11}", check=Check.MOD7, note="Express air waybill, 11 digits"),
    NumberPattern(
        form="00340[0-9]{15}", says=Confidence.LIKELY, check=Check.GS1, note="Parcel Germany, 20 digits from 00340"
    ),
    NumberPattern(
        form="[A-Z]{2}[0-9]{9}DE", says=Confidence.LIKELY, check=Check.S10, note="S10 of Germany (Deutsche Post)"
    ),
    NumberPattern(form="GM[0-9]{10,37}", says=Confidence.LIKELY, note="eCommerce"),
)
