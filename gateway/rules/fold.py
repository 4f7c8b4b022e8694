"""The fold: from scans to the status of a leg, from legs to the status of a shipment (house.md section 5).

The latest scan by its own time wins, with these exceptions. `info` moves nothing. `unknown` moves nothing either: the
last known status stays, and `newest_unknown` holds back whatever costs money. Facts (`delivered`, `returned`) are not
undone by later scans, except that a later `returned` replaces `delivered`; paperwork (`cancelled`, `expired`) is undone
by a later physical scan, and an announcement (`pre_transit`) after the parcel has moved is paperwork too. A `delivered`
after `returning` is `returned`, inferred, unless the scan itself says that the recipient has it. An inferred final is
our conclusion, not the carrier's word: a later explicit one replaces it.
A leg of which nothing was said is `pre_transit`: we know its number and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain import FINAL, PAPERWORK, Reason, Scan, Source, Status
from gateway.rules.history import Held, in_order, merge, standing
from gateway.rules.journey import FACTS, LegFacts, LegState, ShipmentState, fold_shipment

__all__ = ["Held", "LegFacts", "LegState", "ShipmentState", "fold_leg", "fold_merged", "fold_scans", "fold_shipment"]
__all__ += ["in_order", "merge", "standing"]

_NOT_PHYSICAL = PAPERWORK | {Status.INFO, Status.UNKNOWN, Status.PRE_TRANSIT}


def fold_leg(held: Sequence[Held]) -> LegState:
    """The state of a leg after all its scans, in whatever order and however often they are given."""
    return fold_merged(merge(held, ()))


def fold_merged(history: Sequence[Held]) -> LegState:
    """`fold_leg` for what `merge` gave."""
    leg = _Leg()
    for entry in standing(history):
        leg.take(entry.scan)
    return leg.state()


def fold_scans(scans: Iterable[Scan]) -> LegState:
    """`fold_leg` for scans of one provider that nobody holds yet."""
    return fold_leg(
        [Held(scan=scan, source=Source.HAND, provider="", direct=True, learned_at=scan.at) for scan in scans]
    )


@dataclass(slots=True)
class _Leg:
    """The fold under way, scan after scan in order of time."""

    status: Status | None = None
    reason: Reason | None = None
    since: datetime | None = None
    contact_at: datetime | None = None
    progress_at: datetime | None = None
    earliest: datetime | None = None
    place: str = ""
    moved: bool = False
    returning: bool = False
    inferred: bool = False
    newest_unknown: bool = False
    unread: bool = False
    flagged: set[str] = field(default_factory=set)

    def take(self, scan: Scan) -> None:
        self.contact_at = _later(self.contact_at, scan.latest)
        if scan.status is Status.INFO:
            return
        self.newest_unknown = scan.status is Status.UNKNOWN
        if self._progress(scan):
            self.progress_at = _later(self.progress_at, scan.latest)
        if self.newest_unknown:
            self.unread = True
            self._flag(scan)
        else:
            self._known(scan)

    def _progress(self, scan: Scan) -> bool:
        """Paperwork moves nothing. A word nobody has read shows progress only by another place."""
        place = "".join(scan.place.split()).casefold()
        elsewhere = bool(place and self.place and place != self.place)
        self.place = place or self.place
        if scan.status is Status.UNKNOWN:
            self.moved |= elsewhere
            return elsewhere
        announced_again = self.moved and scan.status is Status.PRE_TRANSIT
        self.moved |= scan.status not in _NOT_PHYSICAL
        return scan.status not in PAPERWORK and not announced_again

    def _known(self, scan: Scan) -> None:
        presumed = scan.status is Status.DELIVERED and self.returning and not scan.confirmed
        status = Status.RETURNED if presumed else scan.status
        if not self._yields(scan, status):
            self._flag(scan)
            return
        if status is not self.status:
            self.since, self.earliest = scan.at, scan.earliest
        self.status, self.reason = status, scan.reason
        self.inferred = presumed or (_only_text(scan) and status in FINAL)
        self.returning |= status is Status.RETURNING

    def _yields(self, scan: Scan, status: Status) -> bool:
        """May this scan, the latest so far, set the status?"""
        if self.status in FACTS:
            replaces = self.status is Status.DELIVERED and status is Status.RETURNED
            sure = scan.confirmed or not self.returning
            explicit = not _only_text(scan) and (status is Status.RETURNED or (status is Status.DELIVERED and sure))
            return replaces or (self.inferred and explicit and scan.status is status)
        announcement = status is Status.PRE_TRANSIT
        return not (announcement and (self.moved or self.status in PAPERWORK))

    def _flag(self, scan: Scan) -> None:
        repeats = scan.status is self.status or (self.inferred and scan.status is Status.DELIVERED)
        if self.status in FACTS and not repeats:
            self.flagged.add(f"{scan.status} after {self.status}")

    def state(self) -> LegState:
        delivered = self.status is Status.DELIVERED
        nothing = Status.UNKNOWN if self.unread else Status.PRE_TRANSIT
        return LegState(
            status=self.status or nothing,
            reason=self.reason,
            since=self.since,
            contact_at=self.contact_at,
            progress_at=self.progress_at,
            moved=self.moved,
            delivered_at=self.since if delivered else None,
            delivered_earliest=self.earliest if delivered else None,
            inferred=self.inferred,
            newest_unknown=self.newest_unknown,
            flagged=tuple(sorted(self.flagged)),
        )


def _only_text(scan: Scan) -> bool:
    """Read from words that no code stands behind: a conclusion of ours."""
    return scan.inferred and not scan.carrier_code


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other > one else one
