"""Who could carry a parcel, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.rules.chance import chance
from gateway.rules.lane import covers
from gateway.rules.policy import Backup

Circuit = Literal["closed", "open", "half_open"]
#: Share of parcels that a half-open circuit lets through to probe.
PROBE_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelFacts:
    """key: what the choice belongs to (the shipment's id): the same key chooses the same. carrier: the one that has
    it, or that the shop asked for; "" for none. tried: carriers that had it before. weight_g, value: None: not known.
    """

    key: str
    carrier: str = ""
    origin: str = ""
    destination: str = ""
    service: str = ""
    weight_g: int | None = None
    value: Decimal | None = None
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A carrier as it is now. country: where it picks up. timezone: of its cut-off times. incident: one is open."""

    carrier: str
    country: str
    timezone: str = "UTC"
    can_book: bool = True
    circuit: Circuit = "closed"
    incident: bool = False
    enabled: bool = True
    on_time: float | None = None  #: share of its recent parcels on this lane, 0..1


def hindrances(backup: Backup, parcel: ParcelFacts, candidate: Candidate | None, now: datetime) -> Iterator[str]:
    """Everything that keeps this carrier from taking this parcel now, the plainest first; nothing: it can."""
    if candidate is None:
        yield "unknown_carrier"
        return
    yield from _unable(candidate, parcel)
    if larger(parcel.weight_g, backup.max_weight_g):
        yield "too_heavy"
    if larger(parcel.value, backup.max_value):
        yield "too_valuable"
    if backup.before is not None and now.astimezone(ZoneInfo(candidate.timezone)).time() >= backup.before:
        yield "past_cut_off"


def abroad(parcel: ParcelFacts, candidate: Candidate) -> bool:
    """Whether it picks up in another country than the parcel's. An origin nobody told us is not taken to be abroad."""
    return bool(parcel.origin) and not covers(candidate.country, parcel.origin)


def larger(amount: Decimal | int | None, limit: Decimal | int | None) -> bool:
    """A weight or value nobody told us is not taken to be too large."""
    return amount is not None and limit is not None and amount > limit


def _unable(candidate: Candidate, parcel: ParcelFacts) -> Iterator[str]:
    if not candidate.enabled:
        yield "disabled"
    if not candidate.can_book:
        yield "cannot_book"
    if candidate.incident:
        yield "incident"
    if candidate.circuit == "open":
        yield "circuit_open"
    if candidate.circuit == "half_open" and chance("probe", parcel.key, candidate.carrier) >= PROBE_SHARE:
        yield "circuit_half_open"
