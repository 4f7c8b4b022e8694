"""The history of a leg as compact JSON text: a version, then an array per scan; exact in both directions.

One column instead of a row per scan (`design/probes.md`). A scan says what is another than in the scan before: a number
whose bits are the places that follow, how much later it happened, and their values. Times are microseconds since 1970
(whole seconds where they are) with the local offset in seconds; when it was learned is told from when it happened.
What earlier versions wrote is read by `gateway.store.old_history`, and written anew when something comes to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from gateway.domain import Basis, Reason, Scan, Source, Status
from gateway.rules.history import Held, readings
from gateway.store.old_history import whole
from gateway.store.tables import instant, micros

_INFERRED, _CONFIRMED, _DIRECT = 1, 2, 4
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
_VERSION = 2
_WIDTH, _ECHOES = 19, 18
#: Of a number of places: that the time is told in seconds. The time itself is always told.
_WHOLE = 1
_SECONDLY = 1_000_000
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
    if known and text.startswith(f"[{_VERSION},") and history[: len(known)] == known:
        new = _told(history[len(known) :], _full(known[-1]))
        return f"{text[:-1]},{_text(new)[1:]}" if new else text
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
    for row in _whole(json.loads(text)):
        at, learned, flags = row[0], row[7], row[9]
        if row[_ECHOES] is not None:
            echoes = _helds(row[_ECHOES])
            if any(held.scan.status is Status.UNKNOWN for held in readings(echoes)):
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


def _rows(history: Iterable[Held]) -> list[Any]:
    told = _told(history, [0] + [None] * (_WIDTH - 1))
    return [_VERSION, *told] if told else []


def _told(history: Iterable[Held], before: list[Any]) -> list[list[Any]]:
    """before: the full row of the scan that comes first."""
    told = []
    for held in history:
        full = _full(held)
        told.append(_differing(full, before))
        before = full
    return told


def _full(held: Held) -> list[Any]:
    scan = held.scan
    flags = scan.inferred * _INFERRED | scan.confirmed * _CONFIRMED | held.direct * _DIRECT
    at = micros(scan.at)
    return [
        at, _offset(scan.at), scan.basis, scan.status, scan.tracking_number,
        held.provider, held.source, micros(held.learned_at) - at, _offset(held.learned_at), flags,
        scan.carrier_code or None, scan.text or None, scan.place or None, scan.reason, scan.order or None,
        scan.company, scan.event_id, scan.voids, _rows(held.echoes) or None,
    ]  # fmt: skip


def _differing(full: list[Any], before: list[Any]) -> list[Any]:
    """Echoes are a scan's own: they are told wherever there are any."""
    later, fraction = divmod(full[0] - before[0], _SECONDLY)
    places, values = (0, [full[0] - before[0]]) if fraction else (_WHOLE, [later])
    for place in range(1, _WIDTH):
        if full[place] != (None if place == _ECHOES else before[place]):
            places |= 1 << place
            values.append(full[place])
    return [places, *values]


def _whole(rows: list[Any]) -> Iterable[list[Any]]:
    """Every row in full, its times since 1970."""
    if not rows or rows[0] != _VERSION:
        return whole(rows)
    return _followed(rows[1:])


def _followed(rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    at, full = 0, [None] * _WIDTH
    for row in rows:
        places, later = row[0], row[1]
        at += later * _SECONDLY if places & _WHOLE else later
        full[_ECHOES] = None
        for place, value in zip(_places(places), row[2:], strict=True):
            full[place] = value
        told = full.copy()
        told[0], told[7] = at, at + full[7]
        yield told


@lru_cache(maxsize=4096)
def _places(bits: int) -> tuple[int, ...]:
    return tuple(place for place in range(1, _WIDTH) if bits >> place & 1)


def _helds(rows: list[Any]) -> list[Held]:
    return [_held(row) for row in _whole(rows)]


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
    return instant(value, _zone(offset))
