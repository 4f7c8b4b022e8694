"""After a commit: wake the loop that has new work, and tell live readers what changed. In this process only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Signals:
    """Events by name ("inbox", "outbox", "polls", "watches") and changes by shipment."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._listeners: dict[str, set[asyncio.Queue[int]]] = defaultdict(set)

    def wake(self, name: str) -> None:
        """There is work in this queue."""
        self._events[name].set()

    async def wait(self, name: str, seconds: float) -> bool:
        """Until woken or until the time is up; True when woken."""
        event = self._events[name]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    def changed(self, shipment_id: str, sequence: int) -> None:
        """A shipment was committed with a new sequence."""
        for queue in self._listeners.get(shipment_id, ()):
            queue.put_nowait(sequence)

    @contextmanager
    def listen(self, shipment_id: str) -> Iterator[asyncio.Queue[int]]:
        """A queue of the new sequences of one shipment, while the block lasts."""
        queue: asyncio.Queue[int] = asyncio.Queue()
        self._listeners[shipment_id].add(queue)
        try:
            yield queue
        finally:
            self._listeners[shipment_id].discard(queue)
            if not self._listeners[shipment_id]:
                del self._listeners[shipment_id]
