"""Reads whose answer lies ready are answered on the doorstep: before routing, with what the door itself would send.

Anything out of the ordinary (a key to be looked up, a query, another carrier's number, a cache that must ask) goes
through the door: `read_tracking` and `conditional` decide there, and what they made is handed out here.
"""

from __future__ import annotations

import time

from aiohttp import hdrs, web

from gateway.runtime import Runtime
from gateway.tracking.view import at_hand
from gateway.web.auth import Role
from gateway.web.conditional import ready
from gateway.web.endpoint import Desk
from gateway.web.language import language
from gateway.web.ready import Ready, suits
from gateway.web.tracking import ONE

_BEFORE = ONE.partition("{")[0]
_START = len(_BEFORE)


def shorten(server: web.Server, rt: Runtime, desk: Desk) -> None:
    """Have a server look on its doorstep first. Connections made from now on do."""
    inside = server.request_handler
    observe = desk.metrics.route(hdrs.METH_GET, ONE).observe

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if path.startswith(_BEFORE) and suits(request):
            started = time.perf_counter()
            found = _at_hand(request, rt, desk, path[_START:])
            if found is not None:
                observe(time.perf_counter() - started, found.status)
                return found
        return await inside(request)

    server.request_handler = handle


def _at_hand(request: web.BaseRequest, rt: Runtime, desk: Desk, number: str) -> Ready | None:
    """number: as it stands in the address; one that would have to be unquoted or normalised is not looked for."""
    headers = request.headers
    caller = desk.keyring.known(headers.get(hdrs.AUTHORIZATION), time.monotonic())
    if caller is None or caller.role < Role.STOREFRONT:
        return None
    reader = language(rt, None, headers.get(hdrs.ACCEPT_LANGUAGE))
    rendered = at_hand(rt, number, reader)
    return ready(request, rendered, reader) if rendered is not None else None
