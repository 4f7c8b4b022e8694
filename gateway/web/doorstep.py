"""The plainest read is answered on the doorstep: before routing, with what the door itself would send.

Anything out of the ordinary (a key to be looked up, a query, a number with more than letters and digits or that nobody
registered) goes through the door.
"""

from __future__ import annotations

import time

from aiohttp import hdrs, web

from gateway.cache import Rendered
from gateway.runtime import Runtime
from gateway.tracking.view import at_hand, read_tracking
from gateway.web.auth import Role
from gateway.web.conditional import ready
from gateway.web.endpoint import Desk, guarded
from gateway.web.language import language
from gateway.web.ready import suits
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
            number, started = path[_START:], time.perf_counter()
            # Nothing to be unquoted, and no query.
            if number.isalnum() and number.isascii() and _may_read(request, desk):
                reader = language(rt, None, request.headers.get(hdrs.ACCEPT_LANGUAGE))
                found = at_hand(rt, number, reader) or await _asked(rt, number, reader)
                if found is not None:
                    response = ready(request, found, reader) if isinstance(found, Rendered) else found
                    observe(time.perf_counter() - started, response.status)
                    return response
        return await inside(request)

    server.request_handler = handle


async def _asked(rt: Runtime, number: str, reader: str) -> Rendered | web.Response | None:
    return await guarded(hdrs.METH_GET, ONE, read_tracking(rt, number, None, reader))


def _may_read(request: web.BaseRequest, desk: Desk) -> bool:
    """Whether its key is known to be good enough."""
    caller = desk.keyring.known(request.headers.get(hdrs.AUTHORIZATION), time.monotonic())
    return caller is not None and caller.role >= Role.STOREFRONT
