"""A scan: one fact a carrier reported, with an honest time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.status import Reason, Status


class Basis(StrEnum):
    """How we know the offset of a scan's time."""

    GIVEN = "given"  #: the payload carried an offset or an instant
    CARRIER_ZONE = "carrier_zone"  #: the provider documents one zone for all its times
    INFERRED = "inferred"  #: the zone was concluded from the place
    UNKNOWN = "unknown"  #: nobody knows: the instant may be hours off


class Source(StrEnum):
    """Which door a scan came in by."""

    WEBHOOK = "webhook"
    POLL = "poll"
    FALLBACK = "fallback"  #: read through another adapter while the carrier's own API is down
    HAND = "hand"


#: Offsets on earth run from -12:00 to +14:00, so a local time read as UTC is at most this far from the truth.
_EARLIEST, _LATEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One fact. `at` is aware and keeps the local offset; with basis `unknown` its offset is UTC by want of better.

    tracking_number: as the carrier writes it. company: the aggregator's own name for the carrier (an alias in
    carriers.yaml), None when the row speaks of its own parcels. carrier_code: the carrier's code, verbatim, the key of
    the adapter's table. event_id: the provider's id of the event, if it has one. order: the carrier's own sequence,
    larger is later; decides between equal times. inferred: read from text, not from a code. voids: this scan takes
    back the scan with this carrier_code and the newest time before it (EMS reversals). confirmed: the carrier's own
    code or text says that the recipient has it, so that a delivered scan after `returning` stays delivered.
    """

    tracking_number: str
    at: datetime
    basis: Basis
    status: Status
    reason: Reason | None = None
    carrier_code: str = ""
    text: str = ""
    place: str = ""
    company: str | None = None
    event_id: str | None = None
    order: int = 0
    inferred: bool = False
    confirmed: bool = False
    voids: str | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None or self.at.utcoffset() is None:
            raise ValueError("a scan's time needs an offset: say its basis instead of leaving it naive")

    @property
    def earliest(self) -> datetime:
        """The earliest instant this scan can have happened."""
        return _moved(self.at, -_EARLIEST) if self.basis is Basis.UNKNOWN else self.at

    @property
    def latest(self) -> datetime:
        """The latest instant this scan can have happened: the bound that accuses least of dwelling."""
        return _moved(self.at, _LATEST) if self.basis is Basis.UNKNOWN else self.at


def _moved(at: datetime, by: timedelta) -> datetime:
    """At the ends of the calendar a time stays where it is: foreign payloads name the years 1 and 9999."""
    try:
        return at + by
    except OverflowError:
        return at
