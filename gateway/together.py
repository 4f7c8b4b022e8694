"""What waits is written together: one transaction for whatever came while the one before was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
        patience: float = 0,
    ) -> None:
        """write: all or nothing; an answer for each item. most: items of one write. everyones: failures that are no
        item's own (the store is away): nothing is tried again. patience: seconds a write waits for items that are
        `coming`."""
        self._write = write
        self._most = most
        self._everyones = everyones
        self._patience = patience
        self._coming = 0
        self._enough = asyncio.Event()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._turn = asyncio.Lock()

    async def __call__(self, item: T) -> R:
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        self._look()
        try:
            async with self._turn:
                while not done.done():
                    await self._next()
        except asyncio.CancelledError:
            self._waiting = [one for one in self._waiting if one[1] is not done]
            raise
        return done.result()

    async def _next(self) -> None:
        await self._gathered()
        group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            await self._settle(group)
        except asyncio.CancelledError:
            self._waiting = [one for one in group if not one[1].done()] + self._waiting  # for whoever is next
            raise

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Around what is about to give an item: a write waits for it a little."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._look()

    def _look(self) -> None:
        if not self._coming or len(self._waiting) >= self._most:
            self._enough.set()

    async def _gathered(self) -> None:
        """Whoever was woken by the same commit comes with us, and what is coming if it comes soon."""
        await asyncio.sleep(0)
        self._enough.clear()
        if self._coming and len(self._waiting) < self._most:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._enough.wait()

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
