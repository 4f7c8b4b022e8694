"""Callbacks at the three moments of a call that matter to a crash: asked, done, answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Hook = Callable[[T], Awaitable[None]]
Moment = Literal["before", "after", "answered"]


class Hooks(Generic[T]):
    """Hooks stay until `clear`; each is awaited in the order in which it was added, and its errors pass through."""

    def __init__(self) -> None:
        self._hooks: dict[tuple[str, str], list[Hook[T]]] = defaultdict(list)

    def add(self, moment: Moment, operation: str, hook: Hook[T]) -> None:
        """operation: "provider.operation", or "*"."""
        self._hooks[moment, operation].append(hook)

    async def run(self, moment: Moment, operation: str, subject: T) -> None:
        for name in (operation, "*"):
            for hook in list(self._hooks.get((moment, name), ())):
                await hook(subject)

    def clear(self) -> None:
        self._hooks.clear()
