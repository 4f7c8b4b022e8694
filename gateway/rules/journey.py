"""The states of legs and shipments, and one journey out of several legs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain import Reason, Status

#: Finals that something physical ended.
FACTS = frozenset({Status.DELIVERED, Status.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LegState:
    """Where a leg is.

    since: the scan that set the status. contact_at: the last word of any kind. progress_at: the last scan that shows
    progress, by the bound that accuses least. moved: the carrier has, or had, the parcel in its hands. delivered_at:
    only while the status is `delivered`; delivered_earliest: the same by the bound that accuses least. inferred: the
    final status is our conclusion. newest_unknown: nobody has read the newest scan yet (an `info` after it does not
    settle what it meant). flagged: "<status> after <fact>", sorted.
    """

    status: Status
    reason: Reason | None = None
    since: datetime | None = None
    contact_at: datetime | None = None
    progress_at: datetime | None = None
    moved: bool = False
    delivered_at: datetime | None = None
    delivered_earliest: datetime | None = None
    inferred: bool = False
    newest_unknown: bool = False
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    """A leg among its siblings. closed_why: "cancelled" when we took the parcel away from it, None while open."""

    ordinal: int
    carrier: str
    state: LegState
    closed_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentState:
    """Where a shipment is. current: ordinal of the leg that carries it now; the other fields as in `LegState`."""

    status: Status
    reason: Reason | None
    since: datetime | None
    current: int
    delivered_at: datetime | None
    contact_at: datetime | None
    progress_at: datetime | None
    moved: bool
    inferred: bool
    newest_unknown: bool
    delivered_earliest: datetime | None = None


def fold_shipment(legs: Sequence[LegFacts]) -> ShipmentState:
    """One journey out of all legs: a delivered leg wins, else the newest that we did not cancel is the current one.

    When we cancelled them all, so is the shipment. Raises ValueError without any leg.
    """
    if not legs:
        raise ValueError("a shipment has at least one leg")
    live = [leg for leg in legs if leg.closed_why != "cancelled"]
    arrived = [leg for leg in legs if leg.state.status is Status.DELIVERED]
    if arrived:
        return _shipment(min(arrived, key=_arrival), arrived)
    current = max(live or legs, key=lambda leg: leg.ordinal)
    return _shipment(current, live)


def _arrival(leg: LegFacts) -> tuple[float, int]:
    at = leg.state.delivered_at
    return (at.timestamp() if at else 0.0, leg.ordinal)


def _shipment(leg: LegFacts, live: Sequence[LegFacts]) -> ShipmentState:
    state = leg.state
    cancelled = not live and state.status not in FACTS
    return ShipmentState(
        status=Status.CANCELLED if cancelled else state.status,
        reason=None if cancelled else state.reason,
        since=state.since,
        current=leg.ordinal,
        delivered_at=state.delivered_at,
        contact_at=state.contact_at,
        progress_at=state.progress_at,
        moved=state.moved,
        inferred=state.inferred,
        newest_unknown=_newest_unknown(live or [leg]),
        delivered_earliest=state.delivered_earliest,
    )


def _newest_unknown(legs: Sequence[LegFacts]) -> bool:
    """Whether the newest scan of the shipment, whichever leg it belongs to, is one nobody has read."""
    heard = [(leg.state.contact_at.timestamp(), leg.state.newest_unknown) for leg in legs if leg.state.contact_at]
    return max(heard, default=(0.0, False))[1]
