"""The history of a leg as compact JSON text: an array per scan, exact in both directions.

One column instead of a row per scan (`design/probes.md`). The place in the array is the meaning; what is absent at the
end is left out. Times are microseconds since 1970 with the local offset in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from gateway.domain import Basis, Reason, Scan, Source, Status
from gateway.rules.history import Held
from gateway.store.tables import micros

_INFERRED, _CONFIRMED, _DIRECT = 1, 2, 4
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_WIDTH = 19


def encode(history: Iterable[Held]) -> str:
    """The text of a leg's scans with their echoes."""
    return json.dumps([_row(held) for held in history], ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> list[Held]:
    """What `encode` wrote."""
    return [_held(row) for row in json.loads(text)]


def _row(held: Held) -> list[Any]:
    scan = held.scan
    flags = scan.inferred * _INFERRED | scan.confirmed * _CONFIRMED | held.direct * _DIRECT
    row = [
        micros(scan.at), _offset(scan.at), scan.basis, scan.status, scan.tracking_number,
        held.provider, held.source, micros(held.learned_at), _offset(held.learned_at), flags,
        scan.carrier_code or None, scan.text or None, scan.place or None, scan.reason, scan.order or None,
        scan.company, scan.event_id, scan.voids, [_row(echo) for echo in held.echoes] or None,
    ]  # fmt: skip
    while row[-1] is None:
        row.pop()
    return row


def _held(row: list[Any]) -> Held:
    row += [None] * (_WIDTH - len(row))
    at, offset, basis, status, number, provider, source, learned, learned_offset, flags = row[:10]
    code, text, place, reason, order, company, event_id, voids, echoes = row[10:]
    scan = Scan(
        tracking_number=number,
        at=_time(at, offset),
        basis=Basis(basis),
        status=Status(status),
        reason=Reason(reason) if reason else None,
        carrier_code=code or "",
        text=text or "",
        place=place or "",
        company=company,
        event_id=event_id,
        order=order or 0,
        inferred=bool(flags & _INFERRED),
        confirmed=bool(flags & _CONFIRMED),
        voids=voids,
    )
    return Held(
        scan=scan,
        source=Source(source),
        provider=provider,
        direct=bool(flags & _DIRECT),
        learned_at=_time(learned, learned_offset),
        echoes=tuple(_held(echo) for echo in echoes or ()),
    )


def _offset(at: datetime) -> float:
    """Seconds east of Greenwich; a whole number for every offset on earth."""
    seconds = (at.utcoffset() or timedelta()) / _SECOND
    return int(seconds) if seconds.is_integer() else seconds


@lru_cache(maxsize=1024)
def _zone(offset: float) -> timezone:
    return timezone(timedelta(seconds=offset)) if offset else UTC


def _time(value: int, offset: float) -> datetime:
    at = _FIRST + timedelta(microseconds=value)
    return at.astimezone(_zone(offset)) if offset else at
