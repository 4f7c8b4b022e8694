"""Reading foreign payloads: tolerant of what is missing, strict about what is not the documented shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError
from zoneinfo import ZoneInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gateway.contract.errors import BadPayload
from gateway.domain import Basis

Fields = Mapping[str, Any]  #: a JSON object that is only read
SHANGHAI = ZoneInfo("Asia/Shanghai")
_MAX_DEPTH_ERRORS = (ValueError, RecursionError)


def load_json(raw: bytes | str) -> Any:
    """Any JSON value. Raise BadPayload with the raw kept for anything else (NaN and lone surrogates included)."""
    try:
        value = _DECODER.decode(raw.decode() if isinstance(raw, bytes) else raw)
        if isinstance(raw, str):
            raw.encode()
    except _MAX_DEPTH_ERRORS as error:
        kept = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
        raise BadPayload(f"not JSON: {type(error).__name__}", raw=kept) from error
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def load_object(raw: bytes | str) -> dict[str, Any]:
    """A JSON object. Raise BadPayload for anything else."""
    return as_object(load_json(raw), "body")


def load_xml(said: str | bytes) -> Element:
    """The root of an XML document without DTD and entities. Raise BadPayload for anything else."""
    try:
        root: Element = fromstring(said, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        kept = said if isinstance(said, bytes) else said.encode("utf-8", "surrogateescape")
        raise BadPayload(f"not XML: {type(error).__name__}", raw=kept) from error
    return root


def load_fields(said: str | bytes) -> dict[str, Any]:
    """The fields of a JSON object, or those right below the root of an XML document. Raise BadPayload."""
    if said.lstrip()[:1] in {"<", b"<"}:
        return {field.tag: field.text for field in load_xml(said.strip())}
    return load_object(said)


def form(raw: bytes) -> dict[str, str]:
    """A form body (application/x-www-form-urlencoded, UTF-8); the first of repeated fields. Raise BadPayload."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise BadPayload("not a UTF-8 form", raw=raw) from error
    return dict(reversed(pairs))


def form_bytes(raw: bytes, field: str) -> bytes:
    """The decoded bytes of a form field (the first, if repeated), for what is signed as bytes; empty when not there."""
    name = field.encode() + b"="
    values = (part[len(name) :] for part in raw.split(b"&") if part.startswith(name))
    return unquote_to_bytes(next(values, b"").replace(b"+", b" "))


def as_object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadPayload(f"{field}: an object was expected, not {type(value).__name__}")
    return value


def objects(value: Any, field: str) -> list[dict[str, Any]]:
    """A list of objects; None and a missing list are empty. Raise BadPayload for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadPayload(f"{field}: a list was expected, not {type(value).__name__}")
    for number, item in enumerate(value):
        if type(item) is not dict:
            as_object(item, f"{field}[{number}]")
    return value


def optional(source: Fields, field: str) -> dict[str, Any]:
    """The object of a field; missing, null and empty are `{}`. Raise BadPayload for anything else."""
    return as_object(source.get(field) or {}, field)


def inside(source: Fields, *path: str) -> dict[str, Any]:
    """The object at the end of a path of fields. Raise BadPayload naming the first that is missing or no object."""
    found = dict(source)
    for field in path:
        found = as_object(found.get(field), field)
    return found


def listed(source: Fields, field: str) -> list[dict[str, Any]]:
    """The list of objects you came for: raise BadPayload when it is missing or null, so that `{}` is not "nothing"."""
    if source.get(field) is None:
        raise BadPayload(f"{field}: is missing")
    return objects(source[field], field)


def text(source: Fields, field: str, default: str = "") -> str:
    """A text or number as text, stripped; missing and null are `default`. Raise BadPayload for objects and lists."""
    value = source.get(field)
    if type(value) is str:  # nearly always
        value = value.strip()
        return value if value.isascii() and "\x00" not in value else _storable(value, field)
    if value is None:
        return default
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return _storable(str(value).strip(), field)
    raise BadPayload(f"{field}: a text was expected, not {type(value).__name__}")


def required(source: Fields, field: str) -> str:
    """A text that must be there: for the list or number you came for. Raise BadPayload when missing or empty."""
    value = text(source, field)
    if not value:
        raise BadPayload(f"{field}: is missing")
    return value


def joined(source: Fields, *fields: str, by: str = ", ") -> str:
    """The filled ones of some fields in a row: a place of city, state and country."""
    return by.join([value for field in fields if (value := text(source, field))])


def says(remark: str, words: str, unless: str) -> bool:
    """Whether one clause of a Chinese remark has one of `words` and none of `unless` (both regular expressions).

    "请凭取货码取走" asks for what "已取走" tells; "已签收，如有疑问请联系" tells it in a clause of its own.
    """
    clauses = re.split(r"[，。；！？,;!?\s]+", remark)
    return any(re.search(words, clause) and not re.search(unless, clause) for clause in clauses)


def last_four(phone: str) -> str:
    """The last four digits of a phone, as carriers ask for them; of a virtual number "...-1234" the extension."""
    return re.sub(r"\D", "", phone, flags=re.ASCII)[-4:]


def _storable(value: str, field: str) -> str:
    if "\x00" in value:
        raise BadPayload(f"{field}: holds a NUL character")
    try:
        value.encode()  # JSON may escape half a character ("\\ud800"), which no store takes
    except UnicodeEncodeError as error:
        raise BadPayload(f"{field}: {ascii(value)[:40]!r} cannot be read") from error
    return value


def local_time(value: str, zone: tzinfo, field: str = "time", *formats: str) -> datetime:
    """A naive local time in a zone the provider documents. Default format yyyy-MM-dd HH:mm:ss. Raise BadPayload."""
    for pattern in formats or (_USUAL,):
        try:
            return _quick(value, pattern, zone) or _slow(value, pattern, zone)
        except ValueError:
            continue
        except (OverflowError, OSError) as error:  # at the ends of the calendar
            raise BadPayload(f"{field}: {value[:40]!r} cannot be read") from error
    raise BadPayload(f"{field}: {value[:40]!r} is not a time")


_USUAL, _DIGITS = "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"
_AS_USUAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def _slow(value: str, pattern: str, zone: tzinfo) -> datetime:
    naive = datetime.strptime(value, pattern)  # noqa: DTZ007 - the zone is put on in the next line
    return naive.replace(tzinfo=fixed(naive.replace(tzinfo=zone)))


def _quick(value: str, pattern: str, zone: tzinfo) -> datetime | None:
    """The same for the two forms that nearly everybody writes, ten times as fast; None for any other."""
    if pattern == _USUAL and _AS_USUAL.fullmatch(value):
        east = _east(zone, value[:13])
        return datetime.fromisoformat(value + east) if east else None
    if pattern == _DIGITS and len(value) == 14 and value.isascii() and value.isdigit():
        east = _east(zone, f"{value[:8]}T{value[8:10]}")
        return datetime.fromisoformat(f"{value[:8]}T{value[8:]}{east}") if east else None
    return None


@lru_cache(maxsize=4096)
def _east(zone: tzinfo, hour: str) -> str:
    """The offset of a whole hour in a zone, as it is written; "" where it changes within it. Raise ValueError."""
    first = datetime.fromisoformat(hour).replace(tzinfo=zone)
    last = first.replace(minute=59, second=59)
    return first.isoformat()[19:] if first.utcoffset() == last.utcoffset() else ""


def china_time(source: Fields, field: str, *formats: str) -> datetime:
    """A local time of the one Chinese zone, in a field that must be there. Raise BadPayload."""
    return local_time(required(source, field), SHANGHAI, field, *formats)


def epoch_time(value: str | int | float, zone: tzinfo, field: str = "time", *, unit: float = 1000) -> datetime:
    """An instant as a count since 1970 (milliseconds by default), shown in `zone`. Raise BadPayload."""
    with unreadable(field, value):
        at = datetime.fromtimestamp(float(value) / unit, tz=UTC).astimezone(zone)
        return at.replace(tzinfo=fixed(at))


def iso_time(value: str, field: str = "time") -> datetime:
    """RFC 3339 / ISO 8601; the answer may be naive, which the caller must look at. Raise BadPayload."""
    with unreadable(field, value):
        at = datetime.fromisoformat(value)
        return at if at.tzinfo is None else at.astimezone(fixed(at))


def given_time(source: Fields, field: str) -> tuple[datetime, Basis]:
    """An ISO 8601 time in a field that must be there; UTC of basis `unknown` where it has no offset."""
    at = iso_time(required(source, field), field)
    return (at, Basis.GIVEN) if at.tzinfo else (at.replace(tzinfo=UTC), Basis.UNKNOWN)


def fixed(at: datetime) -> timezone:
    """The offset of an aware time, as a fixed zone: what is stored and shown."""
    return at.tzinfo if type(at.tzinfo) is timezone else timezone(at.utcoffset() or timedelta(0))


class unreadable:  # noqa: N801 - read as a word after `with`
    """Turn the errors of time and number parsing into BadPayload."""

    __slots__ = ("field", "value")

    def __init__(self, field: str, value: object) -> None:
        self.field, self.value = field, value

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _UNREADABLE):
            raise BadPayload(f"{self.field}: {str(self.value)[:40]!r} cannot be read") from error


_UNREADABLE = (ValueError, OverflowError, OSError, TypeError, ArithmeticError)
