"""The random moments of a campaign. Nothing can be waited for here: that is the point."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.sandbox.records import Call
from gateway.sandbox.world import World

#: What costs money or is said to somebody. Between being asked for it and the answer is where a death hurts most.
DEEDS = frozenset({"book", "cancel", "send"})
#: When in such a call: asked and nothing done, done and not answered, answered.
CALLS = ("before", "after", "answered")


async def pause(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(seconds, moment.set_result, None)
    await moment


class Moments:
    """Half of them at any time, half in the middle of a call: asked and nothing done, done and not answered, answered.

    The call is held until the deed of the moment is over.
    """

    def __init__(self, world: World, chance: random.Random) -> None:
        self._chance = chance
        self._wanted: tuple[str, int] | None = None
        self._deed: Callable[[str], Awaitable[None]] | None = None
        self._over = asyncio.Event()
        for moment in CALLS:
            world.hooks.add(moment, "*", partial(self._heard, moment))

    async def next(self, soonest: float, latest: float, deed: Callable[[str], Awaitable[None]]) -> None:
        """Do the deed at the next moment, `latest` seconds from now at the latest. It is told which moment it was."""
        if self._chance.random() < 0.5:
            await pause(self._chance.uniform(soonest, latest))
            await deed("at any time")
            return
        self._over.clear()
        self._wanted = (self._chance.choice(CALLS), self._chance.randint(0, 3))
        self._deed = deed
        waiting = asyncio.create_task(self._over.wait())
        await asyncio.wait([waiting], timeout=latest)
        if await self._too_late(deed):
            waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    async def _too_late(self, deed: Callable[[str], Awaitable[None]]) -> bool:
        """No such moment came: do it now. Not when it has begun."""
        waits, self._deed = self._deed is not None, None
        if waits:
            await deed("at any time")
        return waits

    async def _heard(self, moment: str, call: Call) -> None:
        if self._deed is None or self._wanted is None or call.operation not in DEEDS or moment != self._wanted[0]:
            return
        if self._wanted[1] > 0:
            self._wanted = (moment, self._wanted[1] - 1)
            return
        deed, self._deed = self._deed, None
        try:
            await deed(f"{moment} {call.provider}.{call.operation} {call.key}")
        finally:
            self._over.set()
