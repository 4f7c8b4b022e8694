"""Every table, for SQLite and PostgreSQL alike.

Schedule (`polls`, `watches`), `inbox` and `outbox` are queues: a row is due when `due_at` has passed; claiming it moves
`due_at` to the end of the lease and raises `fence`; finishing it names the fence, so that a worker that wakes late can
no longer write. NULL in `due_at` means: nothing to do. Instants are microseconds since 1970 (`Instant`).
"""

from __future__ import annotations

from gateway.store.tables.columns import Instant, Json, compact, instant, metadata, micros
from gateway.store.tables.deeds import case_events, cases, incidents, ledger, messages, outbox, suppressions
from gateway.store.tables.lanes import dwells, lanes
from gateway.store.tables.office import audit, configs, idempotency, keys, ticks, tokens
from gateway.store.tables.parcels import (
    carrier_health,
    inbox,
    legs,
    mappings,
    polls,
    shipments,
    strays,
    unmapped,
    watches,
)

__all__ = [
    "Instant",
    "Json",
    "audit",
    "carrier_health",
    "case_events",
    "cases",
    "compact",
    "configs",
    "dwells",
    "idempotency",
    "inbox",
    "incidents",
    "instant",
    "keys",
    "lanes",
    "ledger",
    "legs",
    "mappings",
    "messages",
    "metadata",
    "micros",
    "outbox",
    "polls",
    "shipments",
    "strays",
    "suppressions",
    "ticks",
    "tokens",
    "unmapped",
    "watches",
]
