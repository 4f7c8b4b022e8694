"""Tracking numbers as we compare them."""

from __future__ import annotations

#: What `legs.tracking_number` holds.
LONGEST = 64


def normal(number: str) -> str:
    """Without spaces, in capitals: people and carriers write the same number differently."""
    return "".join(number.split()).upper()
