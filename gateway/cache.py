"""Rendered answers by tracking number, in this process: bytes that cost neither SQL nor JSON on a hit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: Bytes that an answer takes beside its body (its tag, its head for the wire, its places here), roughly.
BESIDE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An answer ready to be sent. etag: with its quotes. stamp: what of the rows it was made from, to ask again.

    made: what the door made of it for the wire, which is forgotten with it.
    """

    status: int
    etag: str
    body: bytes
    stamp: Hashable = None
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True, eq=False)
class Loading:
    """A place that is being filled. A drop in between makes what was read old before it is kept."""

    number: str
    since: float
    valid: bool = True


@dataclass(slots=True)
class _Entry:
    """asked: when the store last said that this is so."""

    rendered: Rendered
    asked: float


class Cache:
    """The most recently read numbers, up to `most` bytes.

    everywhere: every process that writes tells this cache. Where it does not (several processes while the shared lane
    is closed) whoever reads asks the store for the stamp first: slower, never wrong. Where it does, the store is asked
    again when the last time was more than TRUST seconds ago: a process can die between its commit and its word.
    tell: hears of every number that is dropped here.
    """

    TRUST = 1.0

    def __init__(
        self, most: int = 64 << 20, *, everywhere: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.everywhere = everywhere
        self.tell: Callable[[str], None] = lambda number: None
        self._clock = clock
        self._most = most
        self._size = 0
        self._numbers: OrderedDict[str, dict[Hashable, _Entry]] = OrderedDict()
        self._loading: dict[str, set[Loading]] = {}

    def get(self, number: str, key: Hashable) -> Rendered | None:
        """key: what else the answer depends on (carrier, language)."""
        held = self._numbers.get(number)
        if held is None:
            return None
        self._numbers.move_to_end(number)
        entry = held.get(key)
        return entry.rendered if entry is not None else None

    def trusts(self, number: str, key: Hashable) -> bool:
        """Whether what `get` answers needs no question to the store."""
        if not self.everywhere:
            return False
        held = self._numbers.get(number)
        entry = held.get(key) if held is not None else None
        return entry is not None and self._clock() - entry.asked < self.TRUST

    async def confirmed(self, number: str, key: Hashable, stamp: Callable[[], Awaitable[object]]) -> Rendered | None:
        """What `get` answers, when the store's stamp is still the one it was made from."""
        held = self._numbers.get(number)
        entry = held.get(key) if held is not None else None
        now = self._clock()
        if entry is None or entry.rendered.stamp != await stamp():
            return None
        entry.asked = now
        return entry.rendered

    @contextmanager
    def loading(self, number: str) -> Iterator[Loading]:
        """Around the reading of the store: `put` then keeps nothing that was dropped meanwhile."""
        place = Loading(number, self._clock())
        self._loading.setdefault(number, set()).add(place)
        try:
            yield place
        finally:
            if place.valid:  # else `forget` has seen to it
                places = self._loading[number]
                places.discard(place)
                if not places:
                    del self._loading[number]

    def put(self, place: Loading, key: Hashable, rendered: Rendered) -> None:
        """Keep an answer, unless its number was dropped since `place` was taken."""
        if not place.valid:
            return
        held = self._numbers.setdefault(place.number, {})
        before = held.get(key)
        held[key] = _Entry(rendered, place.since)
        self._size += _bytes(rendered) - (_bytes(before.rendered) if before else 0)
        self._shrink()

    def drop(self, number: str) -> None:
        """What is known of a number is old, here and elsewhere."""
        self.forget(number)
        self.tell(number)

    def forget(self, number: str) -> None:
        """What is known of a number here is old."""
        held = self._numbers.pop(number, None)
        if held is not None:
            self._size -= sum(_bytes(entry.rendered) for entry in held.values())
        for place in self._loading.pop(number, ()):
            place.valid = False

    def clear(self) -> None:
        """Everything is old."""
        for number in {*self._numbers, *self._loading}:
            self.forget(number)

    def turn(self, everywhere: bool) -> None:
        """Whether every process tells from now on. What was kept until now may be old."""
        self.everywhere = everywhere
        self.clear()

    def _shrink(self) -> None:
        while self._size > self._most:
            self.forget(next(iter(self._numbers)))


def _bytes(rendered: Rendered) -> int:
    return len(rendered.body) + BESIDE
