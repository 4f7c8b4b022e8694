"""What waits is written together: one transaction for whatever came while the one before was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Each caller hands in an item, and gets what its write said of it, once that has succeeded; or what it raised.

    The first in line writes for all who wait, so nothing runs between calls and there is nothing to close. Where a
    group fails each item is written alone, so that one that cannot be written takes no other with it. A write may see
    an item again whose caller was told nothing yet: it has to be repeatable.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        most: int,
        everyones: tuple[type[Exception], ...] = (),
    ) -> None:
        """write: all or nothing; an answer for each item. most: items of one write. everyones: failures that are no
        item's own (the store is away): nothing is tried again."""
        self._write = write
        self._most = most
        self._everyones = everyones
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._turn = asyncio.Lock()

    async def __call__(self, item: T) -> R:
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        try:
            async with self._turn:
                while not done.done():
                    await self._next()
        except asyncio.CancelledError:
            self._waiting = [one for one in self._waiting if one[1] is not done]
            raise
        return done.result()

    async def _next(self) -> None:
        await asyncio.sleep(0)  # whoever was woken by the same commit comes with us
        group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            await self._settle(group)
        except asyncio.CancelledError:
            self._waiting = [one for one in group if not one[1].done()] + self._waiting  # for whoever is next
            raise

    async def _settle(self, group: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._write([item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, self._everyones):
                for one in group:
                    await self._settle([one])
                return
            for _, done in group:
                done.set_exception(error)
        else:
            for (_, done), answer in zip(group, answers, strict=True):
                done.set_result(answer)
