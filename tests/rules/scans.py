"""Scans for the tests of the cellar, made of a few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain import Basis, Scan, Source, Status
from gateway.rules.fold import Held

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def scan(status: str, hours: float = 0, **fields: Any) -> Scan:
    """A scan `hours` after noon; the code is the status unless given."""
    known: dict[str, Any] = {"tracking_number": "SF1000000000001", "basis": Basis.GIVEN, "carrier_code": status}
    return Scan(at=NOON + timedelta(hours=hours), status=Status(status), **(known | fields))


def held(scan: Scan, provider: str = "sf", *, direct: bool = True, learned: float = 0) -> Held:
    learned_at = NOON + timedelta(hours=learned)
    return Held(scan=scan, source=Source.WEBHOOK, provider=provider, direct=direct, learned_at=learned_at)
