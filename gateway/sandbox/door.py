"""The one way a request goes through a stand-in: log, faults, hooks, the deed, the answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from aiohttp import web

from gateway.contract.carrier import Reply
from gateway.sandbox.faults import Broken, How
from gateway.sandbox.records import Ask, Call, Done
from gateway.sandbox.world import World

#: seconds after which a call that "never" answers lets go of its connection
PATIENCE = 300.0

Deed = Callable[[], Done]


async def carry_out(world: World, ask: Ask, deed: Deed) -> tuple[Call, Done]:
    """Log, do, and tell the hooks. Raise Broken when the call was made to go wrong."""
    call = _logged(world, ask)
    name = f"{ask.provider}.{ask.operation}"
    try:
        world.faults.strike(ask.provider, ask.operation, acted=False)
        await world.hooks.run("before", name, call)
        done = deed()
        call.effective, call.outcome, call.status = done.effective, "done", done.reply.status
        call.number = done.number or call.number
        await world.hooks.run("after", name, call)
        world.faults.strike(ask.provider, ask.operation, acted=True)
    except Broken as broken:
        call.outcome = f"fault:{broken.how}"
        raise
    return call, done


def _logged(world: World, ask: Ask) -> Call:
    call = Call(
        at=world.clock(),
        provider=ask.provider,
        operation=ask.operation,
        key=ask.key,
        number=ask.number,
        summary=dict(ask.summary),
    )
    world.calls.append(call)
    return call


async def respond(
    world: World, request: web.Request, ask: Ask, deed: Deed, refusal: Callable[[], Reply]
) -> web.StreamResponse:
    """Serve one HTTP call. refusal: the provider's documented no, for the fault of that name."""
    try:
        call, done = await carry_out(world, ask, deed)
    except Broken as broken:
        return await _break(world, request, broken.how, refusal)
    response = response_of(done.reply)
    await response.prepare(request)
    await response.write_eof()
    await world.hooks.run("answered", f"{ask.provider}.{ask.operation}", call)
    return response


def response_of(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type})


async def _break(world: World, request: web.Request, how: How, refusal: Callable[[], Reply]) -> web.StreamResponse:
    if how is How.REFUSED:
        return response_of(refusal())
    if how is How.GARBAGE:
        return web.Response(body=b"\x00<html>" + os.urandom(64), content_type="text/html")
    if how in _STATUS:
        return web.Response(status=_STATUS[how], headers={"Retry-After": "1"} if how is How.HTTP429 else None)
    if how is How.TIMEOUT:
        await silence(world)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


_STATUS = {How.HTTP500: 500, How.HTTP503: 503, How.HTTP429: 429}


async def silence(world: World) -> None:
    """Say nothing until the sandbox closes, or for `PATIENCE` seconds."""
    try:
        await asyncio.wait_for(world.closed.wait(), PATIENCE)
    except TimeoutError:
        return
