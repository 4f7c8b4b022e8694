"""Bending payloads: bytes, structure and values, from real samples and from nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, -0.0, "", " ", "0", "null", "\u0000", "\ud83d", "é" * 40,
    "９", "١٢٣", "NaN", "2026-02-30 25:61:61", "9999-12-31 23:59:59", "0001-01-01 00:00:00", "20260115", "1e9999",
    "签收" * 50, "<!DOCTYPE x>", "${x}", "%s%n", [], {}, [[]], [None], {"": None}, [{}], "[]", "{}", "x" * 5000,
)  # fmt: skip


#: Bytes of the longest that is thrown: copies of copies grow to any length, and what is longer only takes longer.
LONGEST = 1 << 16


def bent(body: bytes, chance: random.Random) -> bytes:
    """One bent copy of a payload."""
    while len(copy := chance.choice(_WAYS)(body, chance)) > max(LONGEST, len(body)):
        pass
    return copy


def _flipped(body: bytes, chance: random.Random) -> bytes:
    copy = bytearray(body or b"\x00")
    for _ in range(chance.randint(1, 4)):
        copy[chance.randrange(len(copy))] = chance.randrange(256)
    return bytes(copy)


def _cut(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] if chance.random() < 0.5 else body[at:]


def _repeated(body: bytes, chance: random.Random) -> bytes:
    at, size = chance.randrange(len(body) + 1), chance.randint(1, 40)
    return body[:at] + body[at : at + size] * chance.randint(2, 20) + body[at:]


def _noise(body: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 300))


def _deep(body: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((50, 1000, 20_000))
    return b"[" * depth + b"]" * depth


def _restructured(body: bytes, chance: random.Random) -> bytes:
    """A JSON payload, or JSON inside a form's fields or inside JSON, with one or a few values exchanged."""
    text = body.decode("utf-8", "replace")
    value = _json(text)
    if value is not None:
        return _dumped(_altered(value, chance)).encode("utf-8", "surrogatepass")
    pairs = parse_qsl(text, keep_blank_values=True)
    if not pairs:
        return _flipped(body, chance)
    number = chance.randrange(len(pairs))
    name, field = pairs[number]
    inner = _json(field)
    altered = _dumped(_altered(inner, chance)) if inner is not None else str(chance.choice(ODD))
    pairs[number] = (name, altered)
    if chance.random() < 0.1:
        del pairs[number]
    return urlencode(pairs, errors="surrogatepass").encode()


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _altered(value: Any, chance: random.Random) -> Any:
    for _ in range(chance.randint(1, 3)):
        value = _one_altered(value, chance)
    return value


def _one_altered(value: Any, chance: random.Random) -> Any:
    """One place of the tree, chosen on the way down, gets another value, goes away, or comes twice."""
    if isinstance(value, str) and value[:1] in "{[":
        inner = _json(value)
        if inner is not None and chance.random() < 0.8:
            return _dumped(_one_altered(inner, chance))
    if not isinstance(value, dict | list) or not value or chance.random() < 0.1:
        return chance.choice(ODD)
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    key = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
    dice = chance.random()
    if dice < 0.1:
        del copy[key]
    elif dice < 0.2 and isinstance(copy, list):
        copy.extend([copy[key]] * chance.randint(1, 50))
    elif dice < 0.25 and isinstance(copy, list):
        chance.shuffle(copy)
    else:
        copy[key] = _one_altered(copy[key], chance)
    return copy


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped, _cut, _repeated, _noise, _deep, *([_restructured] * 15),
)  # fmt: skip
