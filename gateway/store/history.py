"""The history of a leg as compact JSON text: an array per scan, exact in both directions.

One column instead of a row per scan (`design/probes.md`). The place in the array is the meaning; what is absent at the
end is left out. Times are microseconds since 1970 with the local offset in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
_NOTHING = len("[]")
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Looked up, for calling an enum costs more than the rest of a field.
_BASES = {str(basis): basis for basis in Basis}
_STATUSES = {str(status): status for status in Status}
_SOURCES = {str(source): source for source in Source}
_REASONS: dict[str | None, Reason | None] = {None: None, **{str(reason): reason for reason in Reason}}


def encode(history: Iterable[Held]) -> str:
    """The text of a leg's scans with their echoes."""
    return _text([_row(held) for held in history])


def extend(text: str, known: Sequence[Held], history: Sequence[Held]) -> str:
    """`encode(history)`, where `text` is what `known` was decoded from: nearly always only its end is new."""
    if known and len(text) > _NOTHING and history[: len(known)] == known:
        new = encode(history[len(known) :])
        return f"{text[:-1]},{new[1:]}" if len(new) > _NOTHING else text
    return encode(history)


def decode(text: str) -> list[Held]:
    """What `encode` wrote."""
    return list(map(_held, json.loads(text)))


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
        basis=_BASES[basis],
        status=_STATUSES[status],
        reason=_REASONS[reason],
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
        source=_SOURCES[source],
        provider=provider,
        direct=bool(flags & _DIRECT),
        learned_at=_time(learned, learned_offset),
        echoes=tuple(map(_held, echoes)) if echoes else (),
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
