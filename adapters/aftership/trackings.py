"""A tracking of AfterShip, as the list and the webhooks show it, as scans (sheet c)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.aftership.statuses import NOT_CONNECTED, STATUSES, word
from gateway.contract.carrier import Meaning
from gateway.contract.reading import Fields, given_time, joined, listed, required, text, unreadable
from gateway.domain import Scan, Status

log = logging.getLogger(__name__)

#: Without news for so long, a tracking is Expired.
_SILENT = timedelta(days=30)


def scans_of(tracking: Fields) -> list[Scan]:
    """Its checkpoints, in the name of the courier it is tracked under. Raise BadPayload."""
    number, company = required(tracking, "tracking_number"), text(tracking, "slug") or None
    tag, subtag = text(tracking, "tag"), text(tracking, "subtag")
    if subtag == NOT_CONNECTED:
        log.warning("%s of %s: no account of this courier is connected at AfterShip", number, company)
    found = [_scan(number, company, point) for point in listed(tracking, "checkpoints")]
    scans = [scan for scan in found if scan]
    if text(tracking, "return_to_sender") == "true" and tag == "Delivered":
        back = {Status.DELIVERED: Status.RETURNED}
        scans = [replace(scan, status=back.get(scan.status, scan.status)) for scan in scans]
    return scans + _given_up(word(tag, subtag), scans)


def _scan(number: str, company: str | None, point: Fields) -> Scan | None:
    """One checkpoint, None for one that says nothing (yet). Its own slug may be a courier it was handed over to."""
    code = word(text(point, "tag"), text(point, "subtag"))
    if code is None:
        return None
    status, reason = STATUSES.get(code, Meaning(Status.UNKNOWN))
    at, basis = given_time(point, "checkpoint_time")
    country = {"country": text(point, "country_iso3") or text(point, "country_region")}
    return Scan(
        tracking_number=number,
        company=company,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=code,
        text=text(point, "message") or text(point, "subtag_message"),
        place=joined({**point, **country}, "city", "state", "country") or text(point, "location"),
        event_id=text(point, "hash") or None,
    )


def _given_up(code: str | None, scans: Sequence[Scan]) -> list[Scan]:
    """The end that AfterShip's clock has put to a tracking, dated by the last news (a replay says the same)."""
    ended = [scan for scan in scans if scan.status is Status.EXPIRED]
    if code not in STATUSES or STATUSES[code].status is not Status.EXPIRED or ended or not scans:
        return []
    newest = max(scans, key=lambda scan: (scan.at, scan.at.isoformat(), scan.basis))
    with unreadable("checkpoint_time", newest.at):
        at = newest.at + _SILENT
    return [
        Scan(
            tracking_number=newest.tracking_number,
            company=newest.company,
            at=at,
            basis=newest.basis,
            status=Status.EXPIRED,
            carrier_code=code,
        )
    ]
