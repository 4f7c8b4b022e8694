"""Shipments and what carriers say of them: journeys, schedules, the inbox, health and mappings of carriers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from gateway.store.tables.columns import Instant, Json, Serial, metadata, only, queue

_UNDER_WAY = text("closed_at IS NULL")

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
    Index("shipments_order", "order_id", postgresql_ops={"order_id": "varchar_pattern_ops"}),
    Index("shipments_status", "status", "id"),
    Index("shipments_carrier", "carrier", "id"),
    Index("shipments_stalled", "carrier", "id", **only("stalled")),
    Index("shipments_stuck", "id", **only("stalled")),
    Index("shipments_late", "id", **only("late")),
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
    Index("legs_number", "tracking_number", postgresql_ops={"tracking_number": "varchar_pattern_ops"}),
    Index("legs_live", "carrier", "opened_at", sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY),
)

polls = Table(
    "polls",
    metadata,
    Column("leg_id", String(40), primary_key=True),
    Column("carrier", String(40), nullable=False),
    *queue(),
    Column("failures", Integer, nullable=False, default=0),
    Index("polls_due", "carrier", "due_at"),
)

watches = Table(
    "watches",
    metadata,
    Column("shipment_id", String(40), primary_key=True),
    *queue(),
    Index("watches_due", "due_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("carrier", String(40), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(12), nullable=False, default="waiting"),  # waiting, read, quarantined
    Column("reason", Text),
    *queue(),
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
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("carrier", String(40), nullable=False),  # the row that heard it
    Column("company", String(40)),  # the alias it named, None: its own parcel
    Column("tracking_number", String(64), nullable=False),
    Column("scans", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("strays_number", "tracking_number"),
    Index("strays_expiry", "expires_at"),
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
