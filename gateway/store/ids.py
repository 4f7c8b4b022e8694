"""Identifiers: a prefix that says what it is, the time, and enough chance to be unguessable."""

from __future__ import annotations

import secrets
import time


def new_id(prefix: str) -> str:
    """ "shp_0199c2f4a1b27f..." at most 33 characters; sorts by the millisecond it was made in."""
    return f"{prefix}_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(7)}"
