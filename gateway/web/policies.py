"""The documents operators edit: read with a version, written with If-Match, in force at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from gateway.policies import MODELS, StaleVersion, dump
from gateway.routing import routes_problems
from gateway.rules.agreement import playbook_problems, templates
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Routes
from gateway.store import configs
from gateway.web.auth import Role
from gateway.web.body import parsed, read_json
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import whole
from gateway.web.models.carriers import PolicyOut, RoutesOut, Versions
from gateway.web.problem import Problem, not_found

EDITABLE = ("stalls", "playbooks", "compensation", "messages")


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str, model: type[BaseModel], **more: Any) -> Endpoint:
        return Endpoint(
            method=method,
            path=path,
            handler=handler,
            role=Role.OPS,
            summary=summary,
            tag="policies",
            answers=model,
            reads=model if method == "PUT" else None,
            **more,
        )

    one = "/v1/policies/{name}"
    return [
        row("GET", "/v1/routes", read_routes, "Who takes over from whom", RoutesOut),
        row("PUT", "/v1/routes", write_routes, "Write the backup routes (If-Match)", RoutesOut),
        row("GET", one, read_policy, "stalls, playbooks, compensation or messages", PolicyOut),
        row("PUT", one, write_policy, "Write a new version (If-Match)", PolicyOut),
        row("GET", f"{one}/versions", versions, "Who changed what, newest first", Versions, lists=True),
    ]


async def read_routes(call: Call[None, None]) -> web.StreamResponse:
    await _refreshed(call)
    return _shown(call, "routes")


async def write_routes(call: Call[None, None]) -> web.StreamResponse:
    return await _write(call, "routes")


async def read_policy(call: Call[None, None]) -> web.StreamResponse:
    name = _name(call)
    await _refreshed(call)
    return _shown(call, name)


async def write_policy(call: Call[None, None]) -> web.StreamResponse:
    return await _write(call, _name(call))


async def versions(call: Call[None, None]) -> web.StreamResponse:
    name = call.path("name")
    if name not in MODELS:
        raise not_found(f"policy {name}")
    async with call.rt.store.read() as tx:
        rows = await configs.history(tx, name)
    items = [{"version": row.version, "author": row.author, "at": row.at.isoformat(), "diff": row.diff} for row in rows]
    return whole(call, items)


async def _refreshed(call: Call[None, None]) -> None:
    """Another process may have written a moment ago."""
    async with call.rt.store.read() as tx:
        await call.rt.policies.refresh(tx)


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
    document = _document(name, await read_json(call.request))
    await _refreshed(call)
    problems = list(_problems(call, name, document))
    if problems:
        fields = ", ".join(field for field, _ in problems)
        raise Problem(422, f"{name} cannot work like this: {fields}", errors=problems)
    try:
        async with call.rt.store.write() as tx:
            await call.rt.policies.put(tx, name, document, expected=expected, who=call.who, now=call.rt.clock())
    except StaleVersion as stale:
        raise Problem(412, f"{name} is at version {stale.current}", extra={"version": stale.current}) from stale
    return _shown(call, name)


def _if_match(request: web.Request) -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(428, 'If-Match: "<version read>" is needed', errors=[("If-Match", "is needed")])
    version = given.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise Problem(412, "If-Match names no version of ours", errors=[("If-Match", "not a version")])
    return int(version)


def _document(name: str, value: Any) -> BaseModel:
    """The body, with or without the `version` that a read answered."""
    if isinstance(value, dict):
        value.pop("version", None)
    return parsed(MODELS[name], value)


def _problems(call: Call[None, None], name: str, document: BaseModel) -> Iterator[tuple[str, str]]:
    """What would not work together with the other documents in force, by field."""
    rt = call.rt
    if isinstance(document, Routes):
        able = {code: carrier.can for code, carrier in rt.carriers.items()}
        yield from _named(routes_problems(document, able))
    playbooks = document if isinstance(document, Playbooks) else rt.policies.playbooks
    if isinstance(document, Playbooks | Compensation):
        compensation = document if isinstance(document, Compensation) else rt.policies.compensation
        yield from _named(playbook_problems(playbooks, compensation))
    if isinstance(document, Playbooks | MessagePolicy):
        messages = document if isinstance(document, MessagePolicy) else rt.policies.messages
        wanted = list(templates(playbooks, messages))
        lacking = dict(rt.renderer.problems(sorted({name for _, name in wanted}), messages.languages))
        yield from _named((where, lacking[template]) for where, template in wanted if template in lacking)


def _named(problems: Iterable[tuple[tuple[str | int, ...], str]]) -> Iterator[tuple[str, str]]:
    for where, reason in problems:
        yield ".".join(str(part) for part in where), reason
