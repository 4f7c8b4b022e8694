"""The documents operators edit: read with a version, written with If-Match, in force at once."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.policies import MODELS, StaleVersion, dump
from gateway.routing import routes_problems
from gateway.rules.policy import Routes
from gateway.store import configs
from gateway.web.auth import Role
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.problem import Problem, invalid, not_found

EDITABLE = ("stalls", "playbooks", "compensation", "messages")


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(method=method, path=path, handler=handler, role=Role.OPS, summary=summary, tag="policies")

    return [
        row("GET", "/v1/routes", read_routes, "Who takes over from whom"),
        row("PUT", "/v1/routes", write_routes, "Write the backup routes (If-Match)"),
        row("GET", "/v1/policies/{name}", read_policy, "stalls, playbooks, compensation or messages"),
        row("PUT", "/v1/policies/{name}", write_policy, "Write a new version (If-Match)"),
        row("GET", "/v1/policies/{name}/versions", versions, "Who changed what, newest first"),
    ]


async def read_routes(call: Call[None, None]) -> web.StreamResponse:
    return _shown(call, "routes")


async def write_routes(call: Call[None, None]) -> web.StreamResponse:
    return await _write(call, "routes")


async def read_policy(call: Call[None, None]) -> web.StreamResponse:
    return _shown(call, _name(call))


async def write_policy(call: Call[None, None]) -> web.StreamResponse:
    return await _write(call, _name(call))


async def versions(call: Call[None, None]) -> web.StreamResponse:
    name = call.path("name")
    if name not in MODELS:
        raise not_found(f"policy {name}")
    async with call.rt.store.read() as tx:
        rows = await configs.history(tx, name)
    items = [{"version": row.version, "author": row.author, "at": row.at.isoformat(), "diff": row.diff} for row in rows]
    return answer({"items": items, "next_cursor": None})


def _name(call: Call[None, None]) -> str:
    name = call.path("name")
    if name not in EDITABLE:
        raise not_found(f"policy {name}: one of {', '.join(EDITABLE)}")
    return name


def _shown(call: Call[None, None], name: str) -> web.Response:
    version = call.rt.policies.versions[name]
    document = {"version": version, **dump(getattr(call.rt.policies, name))}
    return answer(document, headers={"ETag": f'"{version}"'})


async def _write(call: Call[None, None], name: str) -> web.StreamResponse:
    expected = _if_match(call.request)
    document = _document(name, await call.request.read())
    if isinstance(document, Routes):
        _check_routes(call, document)
    try:
        async with call.rt.store.write() as tx:
            await call.rt.policies.put(tx, name, document, expected=expected, who=call.who, now=call.rt.clock())
    except StaleVersion as stale:
        raise Problem(412, f"{name} is at version {stale.current}", extra={"version": stale.current}) from stale
    return _shown(call, name)


def _if_match(request: web.Request) -> int:
    given = request.headers.get("If-Match", "").removeprefix("W/").strip('"')
    if not given.isdecimal():
        raise Problem(428, 'If-Match: "<version read>" is needed', errors=[("If-Match", "is needed")])
    return int(given)


def _document(name: str, raw: bytes) -> BaseModel:
    """The body, with or without the `version` that a read answered."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "the body is not JSON", errors=[("", "not JSON")]) from error
    if isinstance(value, dict):
        value.pop("version", None)
    try:
        return MODELS[name].model_validate(value)
    except ValidationError as error:
        raise invalid(error) from error


def _check_routes(call: Call[None, None], routes: Routes) -> None:
    able = {code: carrier.can for code, carrier in call.rt.carriers.items()}
    problems = routes_problems(routes, able)
    if problems:
        errors = [(".".join(str(part) for part in where), reason) for where, reason in problems]
        raise Problem(422, "these routes cannot work", errors=errors)
