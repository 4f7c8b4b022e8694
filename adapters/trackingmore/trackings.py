"""A tracking of TrackingMore as scans (sheet c): both legs of its way, in the name of the courier it is tracked under.

Expired is TrackingMore's own clock and has no time of its own: it is dated when it is told us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.trackingmore.statuses import BACK, STATUSES, refined, word
from gateway.contract.carrier import Meaning
from gateway.contract.reading import Fields, given_time, joined, objects, optional, required, text
from gateway.domain import Basis, Scan, Status


def scans_of(tracking: Fields, told_at: datetime) -> list[Scan]:
    """Every event, and the end that TrackingMore has put to it. Raise BadPayload."""
    number, company = required(tracking, "tracking_number"), text(tracking, "courier_code") or None
    found = [_scan(number, company, point) for point in _points(tracking)]
    scans = list(dict.fromkeys(scan for scan in found if scan))
    if text(optional(tracking, "milestone_date"), "returned_date"):
        scans = _returned(scans)
    code = word(required(tracking, "delivery_status"), text(tracking, "substatus"))
    if code not in STATUSES or STATUSES[code].status is not Status.EXPIRED:
        return scans
    end = Scan(
        tracking_number=number,
        company=company,
        at=told_at,
        basis=Basis.GIVEN,
        status=Status.EXPIRED,
        carrier_code=code,
    )
    return scans if any(scan.status is Status.EXPIRED for scan in scans) else [*scans, end]


def _points(tracking: Fields) -> list[Fields]:
    infos = [optional(tracking, leg) for leg in ("origin_info", "destination_info")]
    return [point for info in infos for point in objects(info.get("trackinfo"), "trackinfo")]


def _returned(scans: Sequence[Scan]) -> list[Scan]:
    """Of the events of the way back, the newest is its end."""
    end = max((scan.at for scan in scans if scan.carrier_code in BACK), default=None)
    return [
        replace(scan, status=Status.RETURNED) if scan.carrier_code in BACK and scan.at == end else scan
        for scan in scans
    ]


def _scan(number: str, company: str | None, point: Fields) -> Scan | None:
    code = word(text(point, "checkpoint_delivery_status"), text(point, "checkpoint_delivery_substatus"))
    if code is None:
        return None
    said, (at, basis) = text(point, "tracking_detail"), given_time(point, "checkpoint_date")
    by_text = refined(code, said)
    status, reason = by_text or STATUSES.get(code, Meaning(Status.UNKNOWN))
    return Scan(
        tracking_number=number,
        company=company,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=code,
        text=said,
        place=text(point, "location") or joined(point, "city", "state", "country_iso2"),
        inferred=by_text is not None,
    )
