"""What every stand-in reads and writes the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from gateway.contract.carrier import Push

SHANGHAI = ZoneInfo("Asia/Shanghai")
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def compact(value: object) -> str:
    """JSON as providers write it: no spaces, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parsed(raw: str | bytes) -> dict[str, object] | None:
    """A JSON object, None for anything else."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_of(source: Mapping[str, object], *names: str) -> str:
    """The first of the fields that is there and says something."""
    for name in names:
        value = source.get(name)
        if value not in (None, "") and not isinstance(value, (dict, list)):
            return str(value)
    return ""


def rows_of(source: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """The objects of a list field; anything else counts as absent."""
    value = source.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def form_of(raw: bytes) -> dict[str, str]:
    """A form body in UTF-8."""
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def shanghai(at: datetime) -> str:
    """An instant as Chinese carriers write it: yyyy-MM-dd HH:mm:ss without a zone."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def last4(phone: str) -> str:
    return phone[-4:]


def json_push(path: str, body: object, headers: Mapping[str, str] | None = None, token: str | None = None) -> Push:
    """A webhook with a JSON body."""
    return raw_push(path, compact(body).encode(), "application/json", headers, token)


def form_push(path: str, fields: Mapping[str, str], token: str | None = None) -> Push:
    """A webhook with a form body."""
    return raw_push(path, urlencode(fields).encode(), FORM, None, token)


def raw_push(path: str, body: bytes, kind: str, headers: Mapping[str, str] | None, token: str | None) -> Push:
    """A webhook: `path` is below the gateway's address; a token is already part of it and given once more for tests."""
    return Push(method="POST", path=path, headers={"content-type": kind, **(headers or {})}, body=body, token=token)
