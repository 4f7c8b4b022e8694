"""Doors that are shut: what is built later answers 501 and says so."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.web.auth import Role
from gateway.web.endpoint import Call, Endpoint
from gateway.web.problem import Problem

_LATER = (
    ("POST", "/v1/subscriptions", "Outbound webhooks", Role.MERCHANT),
    ("GET", "/v1/subscriptions", "Outbound webhooks", Role.MERCHANT),
    ("DELETE", "/v1/subscriptions/{id}", "Outbound webhooks", Role.MERCHANT),
    ("POST", "/v1/subscriptions/{id}/replay", "Outbound webhooks", Role.MERCHANT),
    ("POST", "/v1/policies/{name}/backtest", "The backtest of a draft policy", Role.OPS),
    ("GET", "/v1/carriers/{code}/scorecard", "Scorecards", Role.OPS),
    ("GET", "/console", "The operators' console", None),
    ("GET", "/console/{page:.*}", "The operators' console", None),
)


def endpoints() -> list[Endpoint]:
    return [
        Endpoint(
            method=method,
            path=path,
            handler=_shut(what),
            role=role,
            summary=f"{what}: not built yet (501)",
            tag="later",
            status=501,
        )
        for method, path, what, role in _LATER
    ]


def _shut(what: str) -> Any:
    async def handler(call: Call[None, None]) -> web.StreamResponse:
        raise Problem(501, f"{what}: not built yet. Nothing was stored and nothing will happen.")

    return handler
