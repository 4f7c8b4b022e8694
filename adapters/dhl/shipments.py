"""A shipment of Unified (sheet c), polled or pushed, as scans; and which of several is the one we asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.dhl.statuses import STATUSES, refined
from gateway.contract.carrier import Meaning
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import Fields, given_time, joined, objects, optional, required, text
from gateway.domain import Basis, Scan, Status


def ours(shipments: Sequence[dict[str, Any]], number: str, service: str) -> list[dict[str, Any]]:
    """The shipment we asked about. Raise Refused where several divisions know the number and none is named."""
    fitting = [one for one in shipments if not service or text(one, "service") == service]
    exact = [one for one in fitting if text(one, "id").casefold() == number.casefold()] or fitting
    known = {(text(one, "service"), text(one, "id")) for one in exact}
    if len(known) > 1:
        divisions = ", ".join(sorted(division for division, _ in known))
        raise Refused(f"{number} is known to several divisions ({divisions}): set `service`", status=200)
    return exact


def scans_of(shipment: Fields, number: str) -> list[Scan]:
    """Its events and its status, which is mostly the newest of them again."""
    events = objects(shipment.get("events"), "events")
    status = optional(shipment, "status")
    if not events and not status:
        raise BadPayload("status: is missing")
    told = [_told(event) for event in [status, *events] if event]
    first = min((at for at, _, word, _ in told if word not in {"pre-transit", "unknown"}), default=None)
    scans = [  # newest first, says the sheet: the place from the end is the order
        _scan(number, event, order, first=_told(event)[0] == first)
        for order, event in enumerate(reversed([status, *events]))
        if event
    ]
    return list({(scan.at, scan.carrier_code, scan.text): scan for scan in reversed(scans)}.values())


def _told(event: Fields) -> tuple[datetime, Basis, str, str]:
    """Time, basis, word and text. A time without a zone is local to the place."""
    words = joined(event, "description", "remark", by=". ") or text(event, "status")
    return *given_time(event, "timestamp"), text(event, "statusCode").lower(), words


def _scan(number: str, event: Fields, order: int, *, first: bool) -> Scan:
    at, basis, word, words = _told(event)
    told = refined(word, joined(event, "status", "description", "remark", by=". "), first=first)
    status, reason = told or STATUSES.get(word, Meaning(Status.UNKNOWN))
    place = optional(optional(event, "location"), "address")
    return Scan(
        tracking_number=number,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=word,
        text=words,
        place=joined(place, "addressLocality", "countryCode"),
        order=order,
        inferred=told is not None,
    )


def checkpoint(number: str, event: Fields) -> Scan:
    """One checkpoint of MyDHL: local date and time, with their offset where it is given."""
    moment = f"{required(event, 'date')}T{required(event, 'time')}{text(event, 'GMTOffset')}"
    at, basis = given_time({"time": moment}, "time")
    code = f"express:{required(event, 'typeCode')}"
    status, reason = STATUSES.get(code, Meaning(Status.UNKNOWN))
    areas = objects(event.get("serviceArea"), "serviceArea")
    return Scan(
        tracking_number=number,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=code,
        text=text(event, "description"),
        place=text(areas[0], "description") if areas else "",
    )
