"""The second floor put together: every endpoint of the table, served by aiohttp."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import web

from gateway.runtime import Runtime
from gateway.web import (
    carriers,
    cases,
    health,
    later,
    mappings,
    office,
    pages,
    policies,
    receipts,
    shipments,
    tracking,
    webhooks,
)
from gateway.web.endpoint import MAX_BODY, Call, Desk, Endpoint, answer, served
from gateway.web.openapi import document
from gateway.web.problem import Problem

_PAGES = Path(__file__).parent / "pages"
#: The doors of a gateway, and those of a process that only works.
DOORS = (receipts, webhooks, tracking, pages, shipments, carriers, cases, policies, mappings, office, health, later)
RUNNING = (health,)

#: Any path whatever, line ends included.
_ANYWHERE = r"/{path:[\s\S]*}"


def table(doors: Sequence[ModuleType] = DOORS) -> list[Endpoint]:
    """Every endpoint of these doors. Where a fixed path and a pattern could both fit, the fixed one stands first."""
    return [endpoint for door in doors for endpoint in door.endpoints()]


def our_version() -> str:
    try:
        return version("carrier-gateway")
    except PackageNotFoundError:
        return "0.1.0"


def application(rt: Runtime, desk: Desk, doors: Sequence[ModuleType] = DOORS) -> web.Application:
    """The aiohttp application with these doors. Unknown paths and methods answer with a problem document too."""
    endpoints = table(doors)
    app = web.Application(client_max_size=MAX_BODY)
    for endpoint in [*endpoints, *_documents(endpoints)]:
        app.router.add_route(endpoint.method, endpoint.path, served(endpoint, rt, desk))
        if endpoint.method == "GET" and not endpoint.streams:
            app.router.add_route("HEAD", endpoint.path, served(endpoint, rt, desk))
    app.router.add_route("*", _ANYWHERE, _nowhere)  # a middleware would cost every answer what only these need
    app.on_shutdown.append(_closing(desk))
    return app


def _closing(desk: Desk) -> Callable[[web.Application], Awaitable[None]]:
    async def close(app: web.Application) -> None:
        desk.closing.set()

    return close


def _documents(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    @cache
    def body() -> bytes:
        """Written when it is asked for: most processes never are, and it is a tenth of a start."""
        return json.dumps(document(endpoints, our_version()), ensure_ascii=False).encode()

    docs = (_PAGES / "docs.html").read_bytes()

    async def openapi(call: Call[Any, Any]) -> web.StreamResponse:
        return web.Response(body=body(), content_type="application/json")

    async def shown(call: Call[Any, Any]) -> web.StreamResponse:
        return web.Response(body=docs, content_type="text/html", charset="utf-8")

    async def root(call: Call[Any, Any]) -> web.StreamResponse:
        return answer(
            {"name": "carrier-gateway", "version": our_version(), "docs": "/docs", "openapi": "/openapi.json"}
        )

    def row(path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(method="GET", path=path, handler=handler, role=None, summary=summary, tag="running")

    return [
        row("/openapi.json", openapi, "This document"),
        row("/docs", shown, "This document, readable"),
        row("/", root, "What this is"),
    ]


async def _nowhere(request: web.Request) -> web.StreamResponse:
    """What no endpoint takes: 405 where another method is taken, else 404."""
    here = request.match_info.route.resource
    others = [resource for resource in request.app.router.resources() if resource is not here]
    allowed = sorted({method for other in others for method in (await other.resolve(request))[1]})
    if allowed:
        detail, headers = "this address does not take this method", {"Allow": ",".join(allowed)}
        return Problem(405, detail, headers=headers).response()
    return Problem(404, "there is nothing at this address").response()
