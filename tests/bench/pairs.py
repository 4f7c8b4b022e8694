"""What is measured against what: one row per name in var/bench.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.bench import wire
from tests.bench.server import Address

Requests = Callable[[Address], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a pair: the port it talks to, what it sends, and the status it has to get."""

    port: Callable[[Address], int]
    requests: Requests
    expect: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """goal: the least ratio ours / ceiling. title: what a reader of docs/performance.md is told."""

    name: str
    store: Literal["sqlite", "postgresql"]
    title: str
    ours: Side
    ceiling: Side
    goal: float
    connections: int
    unit: str = "requests/s"


def _numbers(address: Address) -> list[str]:
    key = {"Authorization": f"Bearer {address.key}"}
    return [wire.read(f"/v1/tracking/{number}", key) for number in address.numbers]


def _known(address: Address) -> list[str]:
    key = {"Authorization": f"Bearer {address.key}"}
    pairs = zip(address.numbers, address.etags, strict=True)
    return [wire.read(f"/v1/tracking/{number}", {**key, "If-None-Match": etag}) for number, etag in pairs]


def _pushes(address: Address) -> list[str]:
    return wire.pushes("/webhooks/zto", 1000)


#: Static bytes take the same request head as the read they are compared with.
_STATIC = Side(port=lambda at: at.static, requests=lambda at: [wire.read("/static", {"Authorization": at.key})])
_STORELESS = Side(port=lambda at: at.storeless, requests=_pushes)
_READ = Side(port=lambda at: at.gateway, requests=_numbers)
_KNOWN = Side(port=lambda at: at.gateway, requests=_known, expect=304)
_PUSH = Side(port=lambda at: at.gateway, requests=_pushes)

PAIRS: Sequence[Pair] = (
    Pair(
        name="read_hot",
        store="sqlite",
        title="`GET /v1/tracking/{number}` with a storefront key, against static bytes of the same size",
        ours=_READ,
        ceiling=_STATIC,
        goal=0.85,
        connections=64,
    ),
    Pair(
        name="read_304",
        store="sqlite",
        title="the same with `If-None-Match`, answered 304, against the same static bytes",
        ours=_KNOWN,
        ceiling=_STATIC,
        goal=1.0,
        connections=64,
    ),
    Pair(
        name="ack_sqlite",
        store="sqlite",
        title="a signed push, committed to SQLite before the 200, against the same handler without a store",
        ours=_PUSH,
        ceiling=_STORELESS,
        goal=0.45,
        connections=128,
    ),
    Pair(
        name="ack_pg",
        store="postgresql",
        title="a signed push, committed to PostgreSQL before the 200, against the same handler without a store",
        ours=_PUSH,
        ceiling=_STORELESS,
        goal=0.35,
        connections=128,
    ),
)
