"""The history of a leg as compact JSON text: an array per scan, exact in both directions.

One column instead of a row per scan (`design/probes.md`). The place in the array is the meaning; what is absent at the
end is left out, and 0 in the place of a word is the word of the scan before. Times are microseconds since 1970 with the
local offset in seconds; when it was learned is told from when it happened. Rows without `_SHORT` (schema 0001) repeat
every word and tell both times from 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from gateway.domain import Basis, Reason, Scan, Source, Status
from gateway.rules.history import Held
from gateway.store.tables import micros
from gateway.store.tables.columns import EXACT

_INFERRED, _CONFIRMED, _DIRECT, _SHORT = 1, 2, 4, 8
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
_WIDTH = 19
#: Places of words that scans of a leg share: basis, status, number, provider, source, code, text, place, company.
_WORDS = (2, 3, 4, 5, 6, 10, 11, 12, 15)
_SAME = 0
#: Those of them that readers see.
_SHOWN = (2, 3, 6, 10, 11, 12)
_NOTHING = len("[]")
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Looked up, for calling an enum costs more than the rest of a field.
_BASES = {str(basis): basis for basis in Basis}
_STATUSES = {str(status): status for status in Status}
_SOURCES = {str(source): source for source in Source}
_UNKNOWN = Status.UNKNOWN.value
_REASONS: dict[str | None, Reason | None] = {None: None, **{str(reason): reason for reason in Reason}}


def encode(history: Iterable[Held]) -> str:
    """The text of a leg's scans with their echoes."""
    return _text(_rows(history))


def extend(text: str, known: Sequence[Held], history: Sequence[Held]) -> str:
    """`encode(history)`, where `text` is what `known` was decoded from: nearly always only its end is new."""
    if known and len(text) > _NOTHING and history[: len(known)] == known:
        new = _text(_rows(history[len(known) :], _full(known[-1])))
        return f"{text[:-1]},{new[1:]}" if len(new) > _NOTHING else text
    return encode(history)


def decode(text: str) -> list[Held]:
    """What `encode` wrote."""
    return _helds(json.loads(text))


def lines(text: str, late: timedelta) -> list[tuple[int, dict[str, Any]]] | None:
    """What a reader is shown of a history that `encode` wrote: (microseconds since 1970, the scan in the words of the
    API), as ordered as it was. late: what is learned so long after. None where it holds a code that nobody knew.

    The same as by way of `decode`, at a fifth of the cost.
    """
    found: list[tuple[int, dict[str, Any]]] = []
    much = late // _MICROSECOND
    for row in _whole(json.loads(text), _SHOWN):
        at, learned, flags = row[0], row[7], row[9]
        if row[18] is not None:
            echoes = _helds(row[18])
            if any(held.scan.status is Status.UNKNOWN for held in _flat(echoes)):
                return None
            learned = min(learned, *(micros(echo.learned_at) for echo in echoes))
        if row[3] == _UNKNOWN:
            return None
        shown = {
            "at": _written(at, row[1]),
            "time_basis": row[2],
            "status": row[3],
            "reason": row[13],
            "inferred": bool(flags & _INFERRED),
            "text": row[11] or "",
            "place": row[12] or "",
            "carrier_code": row[10] or "",
            "source": row[6],
            "learned_at": _written(row[7], row[8]),
            "learned_late": learned - at >= much,
        }
        found.append((at, shown))
    return found


def _flat(helds: Iterable[Held]) -> Iterator[Held]:
    for held in helds:
        yield held
        yield from _flat(held.echoes)


def _written(value: int, offset: float) -> str:
    """A time as `isoformat` writes it: the hour is written once, the minute and the second are looked up."""
    if type(offset) is not int:
        return _time(value, offset).isoformat()
    rest, wall = value % 1_000_000, value // 1_000_000 + offset
    before, after = _hour(wall // 3600, offset)
    written = before + _SECONDS[wall % 3600]
    return f"{written}.{rest:06}{after}" if rest else written + after


@lru_cache(maxsize=4096)
def _hour(hour: int, offset: int) -> tuple[str, str]:
    """What stands before and after the minutes and seconds of an hour, counted from 1970 on the clock on the wall."""
    written = _time((hour * 3600 - offset) * 1_000_000, offset).isoformat()
    return written[:13], written[19:]


_SECONDS = [f":{second // 60:02}:{second % 60:02}" for second in range(3600)]


def _rows(history: Iterable[Held], before: list[Any] | None = None) -> list[list[Any]]:
    """before: the full row of the scan that comes first."""
    rows = []
    for held in history:
        full = _full(held)
        rows.append(_shortened(full, before))
        before = full
    return rows


def _full(held: Held) -> list[Any]:
    scan = held.scan
    flags = scan.inferred * _INFERRED | scan.confirmed * _CONFIRMED | held.direct * _DIRECT | _SHORT
    at = micros(scan.at)
    return [
        at, _offset(scan.at), scan.basis, scan.status, scan.tracking_number,
        held.provider, held.source, micros(held.learned_at) - at, _offset(held.learned_at), flags,
        scan.carrier_code or None, scan.text or None, scan.place or None, scan.reason, scan.order or None,
        scan.company, scan.event_id, scan.voids, _rows(held.echoes) or None,
    ]  # fmt: skip


def _shortened(full: list[Any], before: list[Any] | None) -> list[Any]:
    row = full.copy()
    if before is not None:
        for place in _WORDS:
            word = row[place]
            if word is not None and word == before[place]:
                row[place] = _SAME
    while row[-1] is None:
        row.pop()
    return row


def _whole(rows: Iterable[list[Any]], places: Iterable[int]) -> Iterator[list[Any]]:
    """Rows as they were before they were shortened. places: of the words that are wanted."""
    before: list[Any] = []
    for row in rows:
        row += [None] * (_WIDTH - len(row))
        if row[9] & _SHORT:
            row[7] += row[0]
            for place in places:
                if row[place] == _SAME:
                    row[place] = before[place]
        before = row
        yield row


def _helds(rows: Iterable[list[Any]]) -> list[Held]:
    return [_held(row) for row in _whole(rows, _WORDS)]


def _held(row: list[Any]) -> Held:
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
        echoes=tuple(_helds(echoes)) if echoes else (),
    )


def _offset(at: datetime) -> float:
    """Seconds east of Greenwich; a whole number for every offset on earth."""
    seconds = (at.utcoffset() or timedelta()) / _SECOND
    return int(seconds) if seconds.is_integer() else seconds


@lru_cache(maxsize=1024)
def _zone(offset: float) -> timezone:
    return timezone(timedelta(seconds=offset)) if offset else UTC


def _time(value: int, offset: float) -> datetime:
    if 0 <= value < EXACT:  # nearly always, and twice as fast
        return datetime.fromtimestamp(value / 1_000_000, _zone(offset))
    at = _FIRST + timedelta(microseconds=value)
    return at.astimezone(_zone(offset)) if offset else at
