"""stalls.yaml: how long a status may last, and when silence is ours rather than the parcel's."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.domain import Status
from gateway.rules.policy.document import Days, Document, Hours


class Threshold(Document):
    """Working hours of the carrier without progress. warn opens a case of low severity, stall one that acts."""

    warn: Hours | None = None
    stall: Hours | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Threshold:
        if self.warn is None and self.stall is None:
            raise ValueError("warn or stall must be given")
        if self.warn is not None and self.stall is not None and self.warn > self.stall:
            raise ValueError("warn may not be later than stall")
        return self


class Pace(Document):
    """domestic and cross-border thresholds of one status; cross_border absent: the domestic one."""

    domestic: Threshold
    cross_border: Threshold | None = None


class Promise(Document):
    """Working days past `promised_at`. late: says so; escalate: a case; lost: presume lost."""

    late: Days = 0
    escalate: Days = 2
    lost_domestic: Annotated[Days, Field(gt=0)] = 7
    lost_cross_border: Annotated[Days, Field(gt=0)] = 20


class Override(Document):
    """The first that matches wins. Absent fields match everything; origin and destination are lane patterns (CN-*)."""

    carrier: str = "*"
    origin: str = "*"
    destination: str = "*"
    service: str = "*"
    status: Status
    threshold: Threshold


def _month_day(value: str) -> str:
    date.fromisoformat(f"2024-{value}")  # a leap year: "02-29" is a day
    return value


MonthDay = Annotated[str, Field(pattern=r"^\d\d-\d\d$"), AfterValidator(_month_day)]


class Peak(Document):
    """Days on which thresholds are stretched (a sale, a holiday rush), inclusive. Month-day pairs ("11-01") repeat
    every year, and may run over new year; dates ("2026-11-01") do not repeat."""

    first: date | MonthDay
    last: date | MonthDay
    stretch: float = Field(default=1.5, ge=1, le=10)

    @model_validator(mode="after")
    def _alike(self) -> Peak:
        if isinstance(self.first, date) is not isinstance(self.last, date):
            raise ValueError("first and last are both dates, or both month-day pairs")
        if isinstance(self.first, date) and isinstance(self.last, date) and self.first > self.last:
            raise ValueError("last may not be before first")
        return self

    def includes(self, day: date) -> bool:
        if isinstance(self.first, date) and isinstance(self.last, date):
            return self.first <= day <= self.last
        first, last, found = str(self.first), str(self.last), day.strftime("%m-%d")
        return first <= found <= last if first <= last else found >= first or found <= last


class Blindness(Document):
    """When we cannot hear a carrier: its shipments do not stall, an incident opens instead.

    failures: polls failed in a row. silent_hours: nothing heard by push or poll from a carrier that has live legs.
    """

    failures: int = Field(default=5, ge=1)
    silent_hours: Hours = 24
    min_live: int = Field(default=1, ge=1)


class Learned(Document):
    """A lane's own history decides once there is enough of it, within these factors of the table's threshold."""

    quantile: float = Field(default=0.98, gt=0.5, lt=1)
    min_samples: int = Field(default=200, ge=20)
    at_least: float = Field(default=0.5, gt=0, le=1)
    at_most: float = Field(default=2.0, ge=1, le=10)


class Circuit(Document):
    """When new parcels go to backups: an incident is open, or so large a share of a carrier's live parcels is stalled
    (of at least min_live). rest_hours: open at least so long, then a few are let through; probe_hours: closed again
    when it has been well for so long with those."""

    stall_rate: float = Field(default=0.3, gt=0, le=1)
    min_live: int = Field(default=20, ge=1)
    rest_hours: float = Field(default=1, ge=0, le=50_000)
    probe_hours: float = Field(default=6, ge=0, le=50_000)


class Stalls(Document):
    thresholds: dict[Status, Pace]
    promise: Promise = Promise()
    overrides: tuple[Override, ...] = ()
    peaks: tuple[Peak, ...] = ()
    blindness: Blindness = Blindness()
    learned: Learned = Learned()
    circuit: Circuit = Circuit()
