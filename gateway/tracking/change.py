"""What is handed to those who follow a shipment: how it was, how it is, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.domain import Reason, Source, Status
from gateway.rules.fold import Held, ShipmentState

if TYPE_CHECKING:
    from gateway.tracking.journey import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A row of `shipments`. carrier, tracking_number: of the current leg. Times are UTC.

    document: as registered, in the words of the API: origin, destination, sender, recipient, parcel, value, booking,
    metadata, promised_at (with the offset it was given in).
    """

    id: str
    order_id: str
    carrier: str
    tracking_number: str
    service: str
    origin: str
    destination: str
    status: Status
    reason: Reason | None
    since: datetime | None
    progress_at: datetime | None
    contact_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime | None
    stalled: bool
    late: bool
    watching: bool
    sequence: int
    created_at: datetime
    updated_at: datetime
    document: Mapping[str, Any]

    @classmethod
    def of(cls, row: Any) -> Snapshot:
        """From a row of `shipments`."""
        values = {name: getattr(row, name) for name in _NAMES}
        values["status"] = Status(row.status)
        values["reason"] = Reason(row.reason) if row.reason else None
        return cls(**values)


_NAMES = tuple(field.name for field in fields(Snapshot))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A shipment moved on to a new sequence.

    before: None when it was just registered. legs: all of the shipment, the first carrier first. leg_id, carrier: the
    leg it is about. fresh: the scans learned now, oldest
    first; `Held.learned_at` against `scan.at` tells how late we learned them. source: the door they came in by.
    replay: history read again: whoever follows tells nobody and pays nothing.
    """

    shipment_id: str
    before: Snapshot | None
    after: Snapshot
    state: ShipmentState
    legs: Sequence[Leg]
    leg_id: str
    carrier: str
    fresh: tuple[Held, ...] = ()
    source: Source = Source.HAND
    replay: bool = False
