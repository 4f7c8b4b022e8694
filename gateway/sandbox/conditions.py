"""What an answer of the gateway must say: small conditions on JSON, as the scripts write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Where = Mapping[str, Any]

#: The answers a condition can be about; every list is already narrowed to the journey's orders, shipments or carrier.
Answer = Literal["tracking", "cases", "coupons", "messages", "carrier", "unmapped", "received"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """about: which answer. where: one object must fit (each of them, for several parcels). some: a row of a list must
    fit, exactly `count` rows when it is given. none: no row may fit.

    A wanted value is a scalar, a list of allowed scalars, or "*" for anything that is there. Names are dotted paths;
    numbers count from 0, and `length` is that of a list.
    """

    about: Answer
    where: Where = field(default_factory=dict)
    some: Where = field(default_factory=dict)
    none: Where = field(default_factory=dict)
    count: int | None = None

    def met(self, rows: Sequence[Any]) -> bool:
        """Whether it holds for the rows of the answer (a single object is one row)."""
        if self.where and not (rows and all(fits(row, self.where) for row in rows)):
            return False
        if self.none and any(fits(row, self.none) for row in rows):
            return False
        if not self.some:
            return True
        found = sum(fits(row, self.some) for row in rows)
        return found == self.count if self.count is not None else found > 0

    def __str__(self) -> str:
        parts = {"where": self.where, "some": self.some, "none": self.none}
        return f"{self.about} " + ", ".join(f"{name} {dict(value)}" for name, value in parts.items() if value)


def fits(value: Any, where: Where) -> bool:
    """Whether every wanted path has a wanted value."""
    return all(_allowed(at(value, path), wanted) for path, wanted in where.items())


def at(value: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name == "length":
            value = len(value)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _allowed(found: Any, wanted: Any) -> bool:
    if wanted == "*":
        return found not in (None, "", [], {})
    if isinstance(wanted, list):
        return found in wanted
    return bool(found == wanted)
