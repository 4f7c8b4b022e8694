"""What the lanes' own history says: dwell of parcels that arrived, and what was learned of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, Index, Integer, String, Table

from gateway.store.tables.columns import Instant, metadata


def _lane(*, key: bool = False) -> tuple[Column[Any], ...]:
    sizes = {"carrier": 40, "origin": 40, "destination": 40, "service": 40}
    return tuple(Column(name, String(size), primary_key=key, nullable=False) for name, size in sizes.items())


#: How long a parcel that arrived stood still at most in each status.
dwells = Table(
    "dwells",
    metadata,
    Column("shipment_id", String(40), primary_key=True),
    Column("status", String(24), primary_key=True),
    *_lane(),
    Column("hours", Float, nullable=False),  # working hours of the carrier
    Column("at", Instant, nullable=False),  # of the arrival
    Index("dwells_at", "at"),
)

#: The quantile that policy `learned` asks for, of lanes and statuses of which there is enough.
lanes = Table(
    "lanes",
    metadata,
    *_lane(key=True),
    Column("status", String(24), primary_key=True),
    Column("hours", Float, nullable=False),
    Column("samples", Integer, nullable=False),
)
