"""Lists: a limit, an opaque cursor, and CSV for whoever asks for it."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import Field

from gateway.store.tables import instant, micros
from gateway.web.body import storable
from gateway.web.endpoint import Call, answer
from gateway.web.models.fields import Model
from gateway.web.problem import Problem

#: What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Page(Model):
    """What every list takes."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


def encode(value: Any) -> str:
    """An opaque cursor of a JSON value."""
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Any:
    """What a cursor holds, None without one. Raise 422 for one that we did not make."""
    if cursor is None:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise _no_cursor() from error


def number_cursor(cursor: str | None) -> int | None:
    """For lists ordered by a serial number."""
    value = decode(cursor)
    if value is None:
        return None
    if not _serial(value):
        raise _no_cursor()
    return int(value)


def text_cursor(cursor: str | None) -> str | None:
    """For lists ordered by an id."""
    value = decode(cursor)
    if value is not None and not (isinstance(value, str) and storable(value)):
        raise _no_cursor()
    return value


def time_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """For lists ordered by (time, id)."""
    value = decode(cursor)
    if value is None:
        return None
    if not (isinstance(value, list) and len(value) == 2 and _serial(value[0])):
        raise _no_cursor()
    if not (isinstance(value[1], str) and storable(value[1])):
        raise _no_cursor()
    try:
        return instant(value[0]), value[1]
    except (OverflowError, ValueError) as error:
        raise _no_cursor() from error


def _serial(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def time_key(at: datetime, row_id: str) -> list[Any]:
    """The cursor value of a row in a list ordered by (time, id)."""
    return [micros(at), row_id]


def page(
    call: Call[Any, Any], items: Sequence[Mapping[str, Any]], keys: Sequence[Any], limit: int
) -> web.StreamResponse:
    """items and keys: one more than `limit` were asked for, so that we know whether there is a next page."""
    following = encode(keys[limit - 1]) if len(items) > limit else None
    shown = list(items[:limit])
    if "text/csv" in call.request.headers.get("Accept", ""):
        return _csv(shown, following)
    return answer({"items": shown, "next_cursor": following})


def whole(call: Call[Any, Any], items: Sequence[Mapping[str, Any]]) -> web.StreamResponse:
    """A list that is short by nature, in one page."""
    return page(call, items, [None] * len(items), len(items))


def _csv(items: Sequence[Mapping[str, Any]], following: str | None) -> web.Response:
    """A table with the fields of the first row; what is nested stands as JSON. Cells never start a formula."""
    buffer = io.StringIO()
    if items:
        writer = csv.DictWriter(buffer, list(items[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in item.items()} for item in items)
    headers = {"X-Next-Cursor": following} if following else None
    return web.Response(body=buffer.getvalue().encode("utf-8-sig"), content_type="text/csv", headers=headers)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _no_cursor() -> Problem:
    return Problem(422, "cursor: not one of ours", errors=[("cursor", "not one of ours")])
