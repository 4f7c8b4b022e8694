"""The tracking detail (sheet c) of polls and pushes as scans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from adapters.usps.statuses import of_category, of_event
from gateway.contract.errors import BadPayload
from gateway.contract.reading import Fields, fixed, iso_time, joined, objects, required, text, unreadable
from gateway.domain import Basis, Scan, Status


def scans_of(detail: Fields, told_at: str = "") -> list[Scan]:
    """The history of one number. told_at: when a push was sent, the time of one that brings a status and no event."""
    number = required(detail, "trackingNumber")
    if not {"trackingEvents", "statusCategory"} & detail.keys():
        raise BadPayload("trackingEvents: is missing")
    events = objects(detail.get("trackingEvents"), "trackingEvents")
    newest = max((_when(event)[0] for event in events), default=None)
    scans = [  # newest first, says the sheet: the place from the end is the order
        _scan(number, event, text(detail, "status") if _when(event)[0] == newest else "", order)
        for order, event in enumerate(reversed(events))
    ]
    return [*scans, *_by_category(number, detail, scans, told_at)]


def _scan(number: str, event: Fields, status: str, order: int) -> Scan:
    """One event. status: the text of the whole parcel where this event is its newest: it may name the sender."""
    code, said = text(event, "eventCode").upper(), text(event, "eventType")
    meaning, by_text = of_event(code, said)
    if meaning.status is Status.DELIVERED and status:
        meaning, by_text = of_event(code, status)
    at, basis = _when(event)
    return Scan(
        tracking_number=number,
        at=at,
        basis=basis,
        status=meaning.status,
        reason=meaning.reason,
        carrier_code=code,
        text=said,
        place=joined(event, "eventCity", "eventState", "eventCountry"),
        order=order,
        inferred=by_text,
    )


def _by_category(number: str, detail: Fields, scans: list[Scan], told_at: str) -> Iterator[Scan]:
    """The category as a scan of its own, where the newest event has a code nobody has read, or where there is none."""
    newest = max((scan.at for scan in scans), default=None)
    last = [scan for scan in scans if scan.at == newest]
    category, said = text(detail, "statusCategory"), text(detail, "status")
    meaning, by_text = of_category(category, said)
    if meaning.status is Status.INFO or any(scan.status is not Status.UNKNOWN for scan in last):
        return
    if not last and not told_at:
        return  # of an undated status nobody knows when
    at = iso_time(told_at, "timestamp") if newest is None else newest
    basis = last[0].basis if last else Basis.GIVEN if at.tzinfo else Basis.UNKNOWN
    yield Scan(
        tracking_number=number,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        basis=basis,
        status=meaning.status,
        reason=meaning.reason,
        carrier_code=category,
        text=said,
        order=len(scans),
        inferred=by_text,
    )


def _when(event: Fields) -> tuple[datetime, Basis]:
    """GMT where it is given (v3.2), shown at the local offset. Else local time of a place: its `Z` is not true."""
    offset, instant = text(event, "GMTOffset"), text(event, "GMTTimestamp")
    zone = _offset(offset) if offset else None
    if instant:
        at = iso_time(instant, "GMTTimestamp")
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone or UTC)
        return at.replace(tzinfo=fixed(at)), Basis.GIVEN
    local = iso_time(required(event, "eventTimestamp"), "eventTimestamp")
    if local.utcoffset():
        return local, Basis.GIVEN
    return local.replace(tzinfo=zone or UTC), Basis.GIVEN if zone else Basis.UNKNOWN


def _offset(value: str) -> timezone:
    """-06:00, -0600, -6."""
    parts = re.fullmatch(r"(?:GMT|UTC)?([+-]?)([0-9]{1,2}):?([0-9]{2})?", value)
    with unreadable("GMTOffset", value):
        sign, hours, minutes = parts.groups() if parts else ("", "99", "0")
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-ahead if sign == "-" else ahead)
