"""What waits is written together: one transaction for whatever came while the one before was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Item(Generic[T, R]):
    """told: what became of it. news: that it was told, or that it is its caller's turn to write."""

    __slots__ = ("item", "news", "told")

    def __init__(self, item: T) -> None:
        self.item = item
        self.told: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.news = asyncio.Event()


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
        self._waiting: list[_Item[T, R]] = []
        self._somebody_writes = False

    async def __call__(self, item: T) -> R:
        mine: _Item[T, R] = _Item(item)
        self._waiting.append(mine)
        self._look()
        try:
            if self._somebody_writes:
                await mine.news.wait()
            if not mine.told.done():
                await self._write_until_told(mine)
        except asyncio.CancelledError:
            self._waiting = [one for one in self._waiting if one is not mine]
            if mine.news.is_set() and not mine.told.done():  # it was to be the next who writes
                self._hand_on()
            raise
        return mine.told.result()

    async def _write_until_told(self, mine: _Item[T, R]) -> None:
        self._somebody_writes = True
        mine.news.clear()
        try:
            while not mine.told.done():
                await self._next()
        finally:
            self._waiting = [one for one in self._waiting if one is not mine]
            self._hand_on()

    def _hand_on(self) -> None:
        """To whoever has waited longest; all who were told go their ways at once."""
        self._somebody_writes = bool(self._waiting)
        if self._waiting:
            self._waiting[0].news.set()

    async def _next(self) -> None:
        await self._gathered()
        group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            await self._settle(group)
        except asyncio.CancelledError:
            self._waiting = [one for one in group if not one.told.done()] + self._waiting  # for whoever is next
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

    async def _settle(self, group: Sequence[_Item[T, R]]) -> None:
        try:
            answers = await self._write([one.item for one in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, self._everyones):
                for one in group:
                    await self._settle([one])
                return
            for one in group:
                one.told.set_exception(error)
                one.news.set()
        else:
            for one, answer in zip(group, answers, strict=True):
                one.told.set_result(answer)
                one.news.set()
