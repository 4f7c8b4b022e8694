"""After a commit: wake the loop that has new work, and tell live readers what changed; here and in other processes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Signals:
    """Events by name ("inbox", "outbox", "polls", "watches"), changes by shipment, and news for every process
    ("policies", "keys").

    tell: says a topic with its arguments to the other processes. everywhere: they tell this one too; while they do not,
    whoever waits for changes asks the store now and then.
    """

    def __init__(self) -> None:
        self.everywhere = True
        self.tell: Callable[..., None] = lambda topic, *arguments: None
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._here: set[str] = set()
        self._listeners: dict[str, set[asyncio.Queue[int]]] = defaultdict(set)
        self._news: dict[str, list[Callable[[], object]]] = defaultdict(list)

    def wake(self, name: str) -> None:
        """There is work in this queue. Where this process does not empty it, others are told."""
        self.nudge(name)
        if name not in self._here:
            self.tell("work", name)

    def nudge(self, name: str) -> None:
        """Look at this queue, in this process."""
        self._events[name].set()

    async def wait(self, name: str, seconds: float) -> bool:
        """Until woken or until the time is up; True when woken."""
        self._here.add(name)
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
        self.moved(shipment_id, sequence)
        self.tell("changed", shipment_id, sequence)

    def moved(self, shipment_id: str, sequence: int) -> None:
        """The same, from another process."""
        for queue in self._listeners.get(shipment_id, ()):
            queue.put_nowait(sequence)

    @contextmanager
    def listen(self, shipment_id: str) -> Iterator[asyncio.Queue[int]]:
        """A queue of the new sequences of one shipment, while the block lasts. 0: one may have been missed."""
        queue: asyncio.Queue[int] = asyncio.Queue()
        self._listeners[shipment_id].add(queue)
        try:
            yield queue
        finally:
            self._listeners[shipment_id].discard(queue)
            if not self._listeners[shipment_id]:
                del self._listeners[shipment_id]

    def on(self, name: str, deed: Callable[[], object]) -> None:
        """deed() at each news of this name."""
        self._news[name].append(deed)

    def publish(self, name: str) -> None:
        """News for every process."""
        self.hear(name)
        self.tell("news", name)

    def hear(self, name: str) -> None:
        """The same, from another process."""
        for deed in self._news.get(name, ()):
            deed()

    def turn(self, everywhere: bool) -> None:
        """Whether every process tells from now on. Something may have been missed: everybody looks."""
        self.everywhere = everywhere
        for name in self._news:
            self.hear(name)
        for queues in self._listeners.values():
            for queue in queues:
                queue.put_nowait(0)
