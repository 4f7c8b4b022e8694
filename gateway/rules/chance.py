"""Chance that is the same on every try and in every process: derived from a key, never drawn."""

from __future__ import annotations

import hashlib


def chance(*key: object) -> float:
    """A number in [0, 1), evenly spread over keys."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def spread(share: float, *key: object) -> float:
    """A factor in [1 - share, 1 + share)."""
    return 1 + share * (2 * chance(*key) - 1)
