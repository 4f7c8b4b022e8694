"""Every table, for SQLite and PostgreSQL alike.

Schedule (`polls`, `watches`), `inbox` and `outbox` are queues: a row is due when `due_at` has passed; claiming it moves
`due_at` to the end of the lease and raises `fence`; finishing it names the fence, so that a worker that wakes late can
no longer write. NULL in `due_at` means: nothing to do. Instants are microseconds since 1970 (`Instant`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC. A naive one is refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


class Json(TypeDecorator[Any]):
    """A JSON value as compact text, the same on both stores."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _compact(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def _compact(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair (a header of raw bytes) has no UTF-8: escaped, it comes back as it was.
    return text if _encodable(text) else json.dumps(value, separators=(",", ":"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    if at.tzinfo is None:
        raise ValueError("a stored time needs an offset")
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(value: int) -> datetime:
    """The UTC time of `micros`."""
    seconds, rest = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)


metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _queue() -> tuple[Column[Any], ...]:
    return (Column("due_at", Instant), Column("fence", Integer, nullable=False, default=0))


shipments = Table(
    "shipments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("order_id", String(64), nullable=False),
    Column("carrier", String(40), nullable=False),  # of the current leg
    Column("tracking_number", String(64), nullable=False),  # of the current leg
    Column("service", String(40), nullable=False, default=""),
    Column("origin", String(40), nullable=False, default=""),  # lane end, "CN-Guangdong"
    Column("destination", String(40), nullable=False, default=""),
    Column("status", String(24), nullable=False),
    Column("reason", String(24)),
    Column("since", Instant),
    Column("progress_at", Instant),  # the progress clock: last scan that shows progress (or registration)
    Column("contact_at", Instant),  # the contact clock: last word of any kind
    Column("delivered_at", Instant),
    Column("promised_at", Instant),
    Column("stalled", Boolean, nullable=False, default=False),
    Column("late", Boolean, nullable=False, default=False),
    Column("watching", Boolean, nullable=False, default=True),
    Column("sequence", Integer, nullable=False, default=1),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # as registered: origin, destination, sender, recipient, parcel, value, metadata; times carry their given offset
    Column("document", Json, nullable=False),
    Index("shipments_order", "order_id"),
    Index("shipments_updated", "updated_at", "id"),
    Index("shipments_stalled", "carrier", sqlite_where=text("stalled"), postgresql_where=text("stalled")),
)

legs = Table(
    "legs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("shipment_id", String(40), nullable=False),
    Column("ordinal", Integer, nullable=False),  # 1 is the first carrier
    Column("carrier", String(40), nullable=False),
    Column("tracking_number", String(64), nullable=False),
    Column("reference", String(64), nullable=False, default=""),  # it was booked under
    Column("service", String(40), nullable=False, default=""),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_why", String(24)),  # cancelled (by us), superseded, final
    Column("status", String(24), nullable=False),
    Column("reason", String(24)),
    Column("since", Instant),
    Column("polled_at", Instant),  # last successful answer about this very leg
    Column("heard_at", Instant),  # last push or answer that named it
    Column("subscribed_until", Instant),
    Column("history", Text, nullable=False, default="[]"),  # scans, see store/history.py
    Column("extra", Json, nullable=False, default=dict),
    UniqueConstraint("carrier", "tracking_number"),
    Index("legs_shipment", "shipment_id", "ordinal"),
    Index("legs_number", "tracking_number"),
    Index("legs_live", "carrier", sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
)

polls = Table(
    "polls",
    metadata,
    Column("leg_id", String(40), primary_key=True),
    Column("carrier", String(40), nullable=False),
    *_queue(),
    Column("failures", Integer, nullable=False, default=0),
    Index("polls_due", "carrier", "due_at"),
)

watches = Table(
    "watches",
    metadata,
    Column("shipment_id", String(40), primary_key=True),
    *_queue(),
    Index("watches_due", "due_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("carrier", String(40), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(12), nullable=False, default="waiting"),  # waiting, read, quarantined
    Column("reason", Text),
    *_queue(),
    Column("attempts", Integer, nullable=False, default=0),
    Column("request", Json, nullable=False),  # method, path, query, headers, token
    Column("body", LargeBinary, nullable=False),
    Index("inbox_due", "due_at"),
    Index("inbox_state", "state", "id"),
    sqlite_autoincrement=True,
)

strays = Table(
    "strays",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("carrier", String(40), nullable=False),  # the row that heard it
    Column("company", String(40)),  # the alias it named, None: its own parcel
    Column("tracking_number", String(64), nullable=False),
    Column("scans", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("strays_number", "tracking_number"),
    Index("strays_expiry", "expires_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("key", String(160), nullable=False, unique=True),  # one decision, one deed
    Column("case_id", String(40)),
    Column("shipment_id", String(40)),
    Column("ordinal", Integer, nullable=False, default=0),  # place in the playbook
    Column("after", String(40)),  # deed that must have ended first
    Column("state", String(12), nullable=False, default="pending"),
    *_queue(),
    Column("attempts", Integer, nullable=False, default=0),
    Column("payload", Json, nullable=False),
    Column("progress", Json, nullable=False, default=dict),  # steps done, and the step that was begun
    Column("result", Json),
    Column("reason", Text),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("outbox_due", "due_at"),
    Index("outbox_case", "case_id", "ordinal"),
    Index("outbox_shipment", "shipment_id"),
    Index("outbox_after", "after"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("open_key", String(120), unique=True),  # "<shipment or order>:<kind>" while not closed
    Column("state", String(12), nullable=False),
    Column("phase", String(12), nullable=False, default="stall"),  # warn: noticed, stall: acted upon
    Column("severity", String(12), nullable=False),
    Column("order_id", String(64), nullable=False),
    Column("shipment_id", String(40)),
    Column("carrier", String(40)),
    Column("owner", String(64)),
    Column("due_at", Instant),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("cause", Text, nullable=False, default=""),
    Column("gone", Text),  # why the cause is no more, while remedies of ours are still under way
    Column("evidence", Json, nullable=False, default=dict),
    Index("cases_state", "state", "opened_at"),
    Index("cases_shipment", "shipment_id"),
    Index("cases_order", "order_id"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("case_id", String(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(40), nullable=False),
    Column("detail", Json),
    Index("case_events_case", "case_id", "id"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(24), nullable=False),  # coupon, points, refund_request
    Column("claim", String(160), nullable=False, unique=True),  # order | case kind | policy version
    Column("code", String(40), unique=True),
    Column("amount", String(24), nullable=False),  # decimal text, major units
    Column("currency", String(3), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("order_id", String(64), nullable=False),
    Column("case_id", String(40), nullable=False),
    Column("shipment_id", String(40)),
    Column("tier", String(40), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("customer", String(64), nullable=False, default=""),  # keyed hash, never the person
    Column("address", String(64), nullable=False, default=""),  # keyed hash
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Index("ledger_customer", "customer", "issued_at"),
    Index("ledger_address", "address", "issued_at"),
    Index("ledger_issued", "issued_at"),
    Index("ledger_order", "order_id"),
    Index("ledger_case", "case_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("decision", String(160), nullable=False),  # one decision, at most one row per channel and notifier
    Column("channel", String(12), nullable=False),
    Column("notifier", String(40), nullable=False),
    Column("template", String(64), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("order_id", String(64)),
    Column("shipment_id", String(40)),
    Column("case_id", String(40)),
    Column("deed_id", String(40)),
    Column("address", Text, nullable=False, default=""),
    Column("address_key", String(64), nullable=False, default=""),  # keyed hash, for caps and suppression
    Column("provider_id", String(128)),
    Column("params", Json, nullable=False, default=dict),
    Column("begun_at", Instant),  # written before the provider is called
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("decision", "channel", "notifier"),
    Index("messages_shipment", "shipment_id", "created_at"),
    Index("messages_address", "address_key", "created_at"),
    Index("messages_provider", "provider_id"),
    Index("messages_created", "created_at", "id"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("channel", String(12), primary_key=True),
    Column("address_key", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
)

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
    Column("id", _Serial, primary_key=True, autoincrement=True),
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

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("carrier", String(40), nullable=False),
    Column("open_key", String(80), unique=True),  # "<carrier>:<kind>" while open
    Column("kind", String(24), nullable=False),  # silent, declared
    Column("cause", Text, nullable=False),
    Column("who", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("evidence", Json, nullable=False, default=dict),
)

carrier_health = Table(
    "carrier_health",
    metadata,
    Column("carrier", String(40), primary_key=True),
    Column("heard_at", Instant),  # last authentic push or answered poll
    Column("pushed_at", Instant),
    Column("failures", Integer, nullable=False, default=0),  # polls failed in a row
    Column("failing_since", Instant),
    Column("last_error", Text),
    Column("circuit", String(12), nullable=False, default="closed"),
    Column("circuit_since", Instant),
)

mappings = Table(
    "mappings",
    metadata,
    Column("carrier", String(40), primary_key=True),
    Column("carrier_code", String(120), primary_key=True),
    Column("status", String(24), nullable=False),
    Column("reason", String(24)),
    Column("who", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

unmapped = Table(
    "unmapped",
    metadata,
    Column("carrier", String(40), primary_key=True),
    Column("carrier_code", String(120), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("samples", Json, nullable=False, default=list),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("slot", BigInteger, nullable=False),  # the newest slot somebody took
)
