"""What the gateway keeps of itself: documents, audit, keys, first answers, ticks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.columns import Instant, Json, Serial, metadata

configs = Table(
    "configs",
    metadata,
    Column("name", String(40), primary_key=True),  # routes, stalls, playbooks, compensation, messages
    Column("version", Integer, primary_key=True),
    Column("author", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("document", Json, nullable=False),
    Column("diff", Text, nullable=False, default=""),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(64), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("detail", Json),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("label", String(64), nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(200), primary_key=True),  # "<caller>|<route>|<Idempotency-Key>"
    Column("body_hash", String(64), nullable=False),
    Column("status", Integer),  # NULL while the first call is under way
    Column("answer", LargeBinary),
    Column("at", Instant, nullable=False),
    Index("idempotency_at", "at"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("slot", BigInteger, nullable=False),  # the newest slot somebody took
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(120), primary_key=True),  # "<account>:<which of its tokens>"
    Column("sealed", LargeBinary),  # encrypted with the gateway's secret; NULL until the first was fetched
    Column("holder", String(40)),  # who fetches a fresh one now
    Column("held_until", Instant),
)
