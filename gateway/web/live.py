"""Server-Sent Events of one shipment: the Tracking at once, then at each change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.runtime import Runtime
from gateway.store.away import StoreAway
from gateway.tracking.view import load_views
from gateway.web.endpoint import Call

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies that would wait for more
}
#: Milliseconds after which a browser asks again, when the connection is lost.
_RETRY = 3000
_STILL_HERE = b": still here\n\n"
#: Seconds between two looks at the store while other processes may write and do not tell.
_LOOK = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """allowed: whether whoever reads still may; asked at each sign of life."""

    shipment_id: str
    language: str
    allowed: Callable[[], Awaitable[bool]]
    headers: Mapping[str, str] = field(default_factory=dict)


async def stream(call: Call[Any, Any], feed: Feed) -> web.StreamResponse:
    """Until the reader goes, may no longer read, or the process ends. A reader that names the sequence it has
    (Last-Event-ID) is told when there is a newer one."""
    response = web.StreamResponse(headers={**_HEADERS, "Content-Language": feed.language, **feed.headers})
    seen = _sequence(call.request.headers.get("Last-Event-ID", ""))
    # A connection that breaks is a reader who has gone: nobody is left to be told.
    with call.rt.signals.listen(feed.shipment_id) as changes, suppress(ConnectionError):
        await response.prepare(call.request)
        await response.write(f"retry: {_RETRY}\n\n".encode())
        await _tell(call, feed, response, changes, seen)
    return response


async def _tell(
    call: Call[Any, Any], feed: Feed, response: web.StreamResponse, changes: asyncio.Queue[int], seen: int
) -> None:
    while not call.desk.closing.is_set():
        while not changes.empty():
            changes.get_nowait()
        # At each sign of life the store is asked too: a process may have died before it told us what it wrote.
        try:
            view = await _view(call.rt, feed) if await feed.allowed() else None
        except StoreAway:
            await response.write(_STILL_HERE)
        else:
            if view is None:
                return
            await response.write(event(view) if view["sequence"] != seen else _STILL_HERE)
            seen = view["sequence"]
        await _next(call, changes)


async def _view(rt: Runtime, feed: Feed) -> dict[str, Any] | None:
    async with rt.store.read() as tx:
        found = await load_views(rt, tx, [feed.shipment_id], feed.language)
    return found[0].view if found else None


def event(view: Mapping[str, Any]) -> bytes:
    """One event. JSON has no line breaks, so one data line holds it."""
    data = json.dumps(view, ensure_ascii=False, separators=(",", ":"))
    return f"id: {view['sequence']}\nevent: tracking\ndata: {data}\n\n".encode("utf-8", "replace")


async def _next(call: Call[Any, Any], changes: asyncio.Queue[int]) -> None:
    """A change, the end of the process, or the time of a sign of life."""
    desk = call.desk
    seconds = desk.heartbeat if call.rt.signals.everywhere else min(desk.heartbeat, _LOOK)
    waiting = {asyncio.ensure_future(changes.get()), asyncio.ensure_future(desk.closing.wait())}
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def _sequence(given: str) -> int:
    """What the reader has; 0 for nothing, or for what we never said."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
