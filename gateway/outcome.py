"""How a deed ended this time: a value that the doer answers and the outbox carries out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It happened. result: JSON, for the case's timeline and for those who look later. kept: false where something
    else says that it happened, and nobody looks for the deed: with every shipment comes one of those."""

    result: dict[str, Any] | None = None
    kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Not yet. due_at None: when a person says so (approval). free: this try does not count (a hold, not a failure)."""

    due_at: datetime | None
    reason: str
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """Somebody said no: a person is told."""

    reason: str
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """No longer wanted."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """Tried until the end: visible, a person is told and can let it be tried again."""

    reason: str


End = Done | Again | No | Drop | Dead
