"""Histories of legs as they were written before `gateway.store.history` told differences only: they are read for good.

The place in the array is the meaning; what is absent at the end is left out. Rows with `_SHORT` have 0 in the place of
a word that is the word of the scan before, and tell when it was learned from when it happened; the others (schema
0001) repeat every word and tell both times from 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_SHORT = 8
_WIDTH = 19
#: Places of words that scans of a leg share: basis, status, number, provider, source, code, text, place, company.
_WORDS = (2, 3, 4, 5, 6, 10, 11, 12, 15)
_SAME = 0


def whole(rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Every row in full, its times since 1970."""
    before: list[Any] = []
    for row in rows:
        row += [None] * (_WIDTH - len(row))
        if row[9] & _SHORT:
            row[7] += row[0]
            for place in _WORDS:
                if row[place] == _SAME:
                    row[place] = before[place]
        before = row
        yield row
