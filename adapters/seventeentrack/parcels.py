"""An accepted item of 17TRACK, as answers and pushes show it, as scans (sheet c)."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.seventeentrack.statuses import STATUSES, refined, word
from gateway.contract.carrier import Meaning
from gateway.contract.reading import (
    Fields,
    given_time,
    inside,
    iso_time,
    joined,
    listed,
    objects,
    optional,
    required,
    text,
    unreadable,
)
from gateway.domain import Basis, Scan, Status


def latest_status(item: Fields) -> tuple[str, str]:
    """Status and sub-status of the whole parcel. Raise BadPayload."""
    latest = inside(item, "track_info", "latest_status")
    return required(latest, "status"), text(latest, "sub_status")


def scans_of(item: Fields, told_at: datetime) -> list[Scan]:
    """The events of every carrier on its way, in the name of the one it is registered under.

    Expired is 17TRACK's own clock and has no time of its own: told_at, when it was told us. Raise BadPayload.
    """
    number, company = required(item, "number"), text(item, "carrier")
    company = "" if company == "0" else company  # not detected (yet)
    latest = latest_status(item)
    found = [_scan(number, company, event, latest) for event in _events(item, latest)]
    scans = [scan for scan in found if scan]
    code = latest[1] or latest[0]
    ended = STATUSES.get(code, Meaning(Status.UNKNOWN)).status is Status.EXPIRED
    if ended and all(scan.status is not Status.EXPIRED for scan in scans):
        scans.append(_end(number, company, code, told_at))
    return scans


def _end(number: str, company: str, code: str, at: datetime) -> Scan:
    return Scan(
        tracking_number=number,
        company=company or None,
        at=at,
        basis=Basis.GIVEN,
        status=Status.EXPIRED,
        carrier_code=code,
    )


def _events(item: Fields, latest: tuple[str, str]) -> list[Fields]:
    """Of all providers; a parcel that is not found needs not have any."""
    tracking = optional(inside(item, "track_info"), "tracking")
    absent = latest[0] in {"NotFound", "Expired"}
    providers = objects(tracking.get("providers"), "providers") if absent else listed(tracking, "providers")
    return [event for provider in providers for event in objects(provider.get("events"), "events")]


def _scan(number: str, company: str, event: Fields, latest: tuple[str, str]) -> Scan | None:
    code = word(text(event, "sub_status"), text(event, "stage"), latest)
    if code is None:
        return None
    said, (at, basis) = text(event, "description"), when(event)
    by_text = refined(code, f"{said} {_translated(event)}")
    status, reason = by_text or STATUSES.get(code, Meaning(Status.UNKNOWN))
    return Scan(
        tracking_number=number,
        company=company or None,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=code,
        text=said,
        place=joined(optional(event, "address"), "city", "state", "country") or text(event, "location"),
        inferred=by_text is not None,
    )


def _translated(event: Fields) -> str:
    """Of a text in the carrier's language, where 17TRACK adds it: an object with its own description, or a text."""
    given = event.get("description_translation")
    return text(given, "description") if isinstance(given, dict) else text(event, "description_translation")


def when(event: Fields) -> tuple[datetime, Basis]:
    """The instant of `time_utc`, shown with the offset of `time_iso`: a guess where the carrier gave no zone.

    A scan that has neither has a date at least, in `time_raw` (an object, or a text). Raise BadPayload.
    """
    utc, iso, raw = text(event, "time_utc"), text(event, "time_iso"), event.get("time_raw")
    parts = raw if isinstance(raw, dict) else {"date": text(event, "time_raw")}
    if not utc and not iso:
        day = joined({**parts, "date": required(parts, "date")}, "date", "time", by="T")
        return given_time({"time_raw": day}, "time_raw")
    at, local = iso_time(utc or iso, "time_utc"), iso_time(iso or utc, "time_iso")
    if at.tzinfo is None and not utc:
        return at.replace(tzinfo=UTC), Basis.UNKNOWN
    with unreadable("time_iso", iso):
        instant = at if at.tzinfo else at.replace(tzinfo=UTC)
        return instant.astimezone(local.tzinfo or UTC), Basis.GIVEN if text(parts, "timezone") else Basis.INFERRED
