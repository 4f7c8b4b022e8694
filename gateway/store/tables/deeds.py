"""What is decided and done: the outbox, cases, the ledger, incidents, messages."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from gateway.store.tables.columns import Instant, Json, Serial, metadata, queue, told

#: Deeds that retention looks through: those of a case go with it.
_OVER_ALONE = text("case_id IS NULL AND ended_at IS NOT NULL")

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
    *queue(),
    Column("attempts", Integer, nullable=False, default=0),
    Column("payload", Json, nullable=False),
    Column("progress", Json, nullable=False, default=dict),  # steps done, and the step that was begun
    Column("result", Json),
    Column("reason", Text),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("outbox_due", "due_at", **told("due_at")),
    Index("outbox_case", "case_id", "ordinal", **told("case_id")),
    Index("outbox_shipment", "shipment_id"),
    Index("outbox_after", "after", **told("after")),
    Index("outbox_over", "ended_at", "id", sqlite_where=_OVER_ALONE, postgresql_where=_OVER_ALONE),
)

_OPEN = text("open_key IS NOT NULL")

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
    Index("cases_opened", "opened_at", "id"),
    Index("cases_state", "state", "opened_at", "id"),
    Index("cases_kind", "kind", "opened_at", "id"),
    Index("cases_owner", "owner", "opened_at", "id"),
    Index("cases_open", "opened_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("cases_standing", "kind", "state", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("cases_shipment", "shipment_id"),
    Index("cases_order", "order_id"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
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
    Index("ledger_issued", "issued_at", "id"),
    Index("ledger_state", "state", "issued_at", "id"),
    Index("ledger_expiry", "state", "expires_at"),
    Index("ledger_order", "order_id", "state"),
    Index("ledger_case", "case_id"),
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
    Index("messages_state", "state", "created_at", "id"),
    Index("messages_channel", "channel", "created_at", "id"),
    Index("messages_case", "case_id"),
    Index("messages_deed", "deed_id"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("channel", String(12), primary_key=True),
    Column("address_key", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Index("suppressions_address", "address_key"),
)
