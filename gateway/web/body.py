"""What a request says: JSON and query, read strictly. Whatever the store could not keep is refused here by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.web.problem import Problem, invalid

M = TypeVar("M", bound=BaseModel)
#: Deeper than any of our documents; whoever nests further means harm.
_DEPTH = 64
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


async def read_json(request: web.Request) -> Any:
    """The body; an empty one is an empty object. Raise 400 for what is not JSON, 422 for what no store can keep."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        value = json.loads(raw, parse_constant=_no_constant)
        if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > _DEPTH:
            _check(value)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Problem(400, "the body is not JSON", errors=[("", "not JSON")]) from error
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any) -> None:
    for where, depth, one in _walk(value):
        if depth > _DEPTH:
            raise _too_deep()
        if isinstance(one, str) and not storable(one):
            field = ".".join(where)
            raise Problem(422, f"cannot be accepted: {field}", errors=[(field, "holds what is not a character")])


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], int, Any]]:
    """Every text, with where it stands and how deep; keys are texts too."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        where, one = waiting.pop()
        yield where, len(where), one
        if isinstance(one, dict):
            waiting.extend(((*where, storable_name(name)), part) for name, part in one.items())
            waiting.extend(((*where, storable_name(name)), name) for name in one)
        elif isinstance(one, list):
            waiting.extend(((*where, str(number)), part) for number, part in enumerate(one))


def storable(text: str) -> bool:
    """Whether a database can hold it: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def storable_name(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _too_deep() -> Problem:
    return Problem(422, "cannot be accepted: the body is nested too deeply", errors=[("", "nested too deeply")])


@lru_cache(maxsize=4096)
def read_query(model: type[M], raw: str) -> M:
    """The query as this model has it. Whoever reads it changes nothing in it: the same text gives the same object."""
    given = dict(parse_qsl(raw, keep_blank_values=True))
    for name, value in given.items():
        if not storable(value):
            raise Problem(422, f"cannot be accepted: {name}", errors=[(name, "holds what is not a character")])
    return parsed(model, given)


def parsed(model: type[M], value: Any) -> M:
    """Raise 422 naming every field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from error
