"""The second floor put together: every endpoint of the table, served by aiohttp."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
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
_DOORS = (receipts, webhooks, tracking, pages, shipments, carriers, cases, policies, mappings, office, health, later)

_DETAIL = {404: "there is nothing at this address", 405: "this address does not take this method"}


def table() -> list[Endpoint]:
    """Every endpoint. Order matters where a fixed path and a pattern could both fit: the fixed one stands first."""
    return [endpoint for door in _DOORS for endpoint in door.endpoints()]


def our_version() -> str:
    try:
        return version("carrier-gateway")
    except PackageNotFoundError:
        return "0.1.0"


def application(rt: Runtime, desk: Desk) -> web.Application:
    """The aiohttp application. Unknown paths and methods answer with a problem document too."""
    endpoints = table()
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_problems])
    for endpoint in [*endpoints, *_documents(endpoints)]:
        app.router.add_route(endpoint.method, endpoint.path, served(endpoint, rt, desk))
        if endpoint.method == "GET" and not endpoint.streams:
            app.router.add_route("HEAD", endpoint.path, served(endpoint, rt, desk))
    app.on_shutdown.append(_closing(desk))
    return app


def _closing(desk: Desk) -> Callable[[web.Application], Awaitable[None]]:
    async def close(app: web.Application) -> None:
        desk.closing.set()

    return close


def _documents(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    body = json.dumps(document(endpoints, our_version()), ensure_ascii=False).encode()
    docs = (_PAGES / "docs.html").read_bytes()

    async def openapi(call: Call[Any, Any]) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

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


@web.middleware
async def _problems(request: web.Request, handler: Any) -> web.StreamResponse:
    """aiohttp's own answers (404, 405) as problem documents."""
    try:
        return await handler(request)  # type: ignore[no-any-return]
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return Problem(error.status, _DETAIL.get(error.status, error.reason), headers=headers).response()
