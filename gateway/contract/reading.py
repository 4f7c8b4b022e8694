"""Reading foreign payloads: tolerant of what is missing, strict about what is not the documented shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone, tzinfo
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
        text = raw.decode() if isinstance(raw, bytes) else raw
        value = json.loads(text, parse_constant=_no_constant)
        text.encode()
    except _MAX_DEPTH_ERRORS as error:
        kept = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
        raise BadPayload(f"not JSON: {type(error).__name__}", raw=kept) from error
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
    return [as_object(item, f"{field}[{number}]") for number, item in enumerate(value)]


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
    return by.join(filter(None, (text(source, field) for field in fields)))


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
    with unreadable(field, ascii(value)):
        value.encode()  # JSON may escape half a character ("\\ud800"), which no store takes
    return value


def local_time(value: str, zone: tzinfo, field: str = "time", *formats: str) -> datetime:
    """A naive local time in a zone the provider documents. Default format yyyy-MM-dd HH:mm:ss. Raise BadPayload."""
    for pattern in formats or ("%Y-%m-%d %H:%M:%S",):
        try:
            naive = datetime.strptime(value, pattern)  # noqa: DTZ007 - the zone is put on in the next line
        except ValueError:
            continue
        with unreadable(field, value):
            return naive.replace(tzinfo=fixed(naive.replace(tzinfo=zone)))
    raise BadPayload(f"{field}: {value[:40]!r} is not a time")


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
    return timezone(at.utcoffset() or timedelta(0))


@contextmanager
def unreadable(field: str, value: object) -> Iterator[None]:
    """Turn the errors of time and number parsing into BadPayload."""
    try:
        yield
    except (ValueError, OverflowError, OSError, TypeError, ArithmeticError) as error:
        raise BadPayload(f"{field}: {str(value)[:40]!r} cannot be read") from error
