"""Rendered answers by tracking number, in this process: bytes that cost neither SQL nor JSON on a hit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


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
    valid: bool = True


@dataclass(slots=True)
class _Number:
    entries: dict[Hashable, Rendered] = field(default_factory=dict)
    loading: set[Loading] = field(default_factory=set)


class Cache:
    """The most recently read numbers, up to `most` bytes.

    everywhere: every process that writes tells this cache. Where it does not (several processes without a shared lane)
    whoever reads asks the store for the stamp first: slower, never wrong.
    """

    def __init__(self, most: int = 64 << 20, *, everywhere: bool = False) -> None:
        self.everywhere = everywhere
        self._most = most
        self._size = 0
        self._numbers: OrderedDict[str, _Number] = OrderedDict()

    def get(self, number: str, key: Hashable) -> Rendered | None:
        """key: what else the answer depends on (carrier, language)."""
        held = self._numbers.get(number)
        if held is None:
            return None
        self._numbers.move_to_end(number)
        return held.entries.get(key)

    @contextmanager
    def loading(self, number: str) -> Iterator[Loading]:
        """Around the reading of the store: `put` then keeps nothing that was dropped meanwhile."""
        place = Loading(number)
        self._numbers.setdefault(number, _Number()).loading.add(place)
        try:
            yield place
        finally:
            held = self._numbers.get(number)
            if held is not None:
                held.loading.discard(place)
                if not held.loading and not held.entries:
                    del self._numbers[number]

    def put(self, place: Loading, key: Hashable, rendered: Rendered) -> None:
        """Keep an answer, unless its number was dropped since `place` was taken."""
        if not place.valid:
            return
        held = self._numbers.setdefault(place.number, _Number())
        before = held.entries.get(key)
        held.entries[key] = rendered
        self._size += len(rendered.body) - (len(before.body) if before else 0)
        self._shrink()

    def drop(self, number: str) -> None:
        """What is known of a number is old."""
        held = self._numbers.pop(number, None)
        if held is not None:
            self._size -= _bytes(held)
            for place in held.loading:
                place.valid = False

    def clear(self) -> None:
        """Everything is old."""
        for number in list(self._numbers):
            self.drop(number)

    def _shrink(self) -> None:
        while self._size > self._most:
            self.drop(next(iter(self._numbers)))


def _bytes(held: _Number) -> int:
    return sum(len(rendered.body) for rendered in held.entries.values())
