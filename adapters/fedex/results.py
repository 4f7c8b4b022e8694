"""Track results (sheet c) as scans: which result is ours, which time is honest, which delivery was none.

A result is an element of `trackResults`; polls and pushes have the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from adapters.fedex.statuses import STATUSES, refined
from gateway.contract.carrier import Meaning
from gateway.contract.meanings import handed_back
from gateway.contract.reading import Fields, iso_time, joined, objects, optional, required, text
from gateway.domain import Basis, Scan, Status

#: The time of a result that has no scans, by the code of its status.
_DATED = {"DL": "ACTUAL_DELIVERY", "PU": "ACTUAL_PICKUP", "TP": "ACTUAL_TENDER"}
#: What moves no parcel, and so does not disprove a delivery.
_STILL = frozenset({Status.INFO, Status.UNKNOWN, Status.PRE_TRANSIT, Status.CANCELLED, Status.RETURNED})


def scans_of(number: str, results: Sequence[Fields], unique_id: str = "") -> list[Scan]:
    """The history of one number. FedEx reuses numbers: of several parcels the pinned one, else the one scanned last."""
    parcels: dict[str, list[Scan]] = {}
    for result in results:
        identity = text(optional(result, "trackingNumberInfo"), "trackingNumberUniqueId")
        parcels.setdefault(identity, []).extend(_scans(number, result))
    if unique_id:
        return parcels.get(unique_id, [])
    dated = ((max(scan.at for scan in scans), identity) for identity, scans in parcels.items() if scans)
    newest = max(dated, default=None)
    return parcels[newest[1]] if newest else []


def _scans(number: str, result: Fields) -> list[Scan]:
    latest, events = optional(result, "latestStatusDetail"), objects(result.get("scanEvents"), "scanEvents")
    if not events:
        events = list(_undetailed(result, latest))
    newest = max((_when(event, "date")[0] for event in events), default=None)
    found = [  # newest first, says the sheet: the place from the end is FedEx's own sequence
        _scan(number, event, latest if _when(event, "date")[0] == newest else {}, order)
        for order, event in enumerate(reversed(events))
    ]
    returned = bool(result.get("returnDetail"))
    return _without_false_deliveries(handed_back(found, lambda scan: returned))


def _undetailed(result: Fields, latest: Fields) -> Iterator[dict[str, object]]:
    """The status of a result without scans as its only event, where FedEx tells when that was."""
    code = text(latest, "derivedCode") or text(latest, "code")
    for stamp in objects(result.get("dateAndTimes"), "dateAndTimes"):
        if text(stamp, "type") == _DATED.get(code):
            words = {"eventDescription": text(latest, "description"), "scanLocation": latest.get("scanLocation")}
            yield {"date": stamp.get("dateTime"), "eventType": code, **words}


def _scan(number: str, event: Fields, latest: Fields, order: int) -> Scan:
    """One event. latest: the status of the shipment where this event is its newest, for the reason it may add.

    `eventType` decides; `derivedStatusCode` tells the state of that moment and is read only where there is no type.
    """
    code = text(event, "eventType") or text(event, "derivedStatusCode")
    ancillary = objects(latest.get("ancillaryDetails"), "ancillaryDetails") if text(latest, "code") == code else []
    trouble = text(event, "exceptionCode") or next((text(one, "reason") for one in ancillary), "")
    said = joined(event, "eventDescription", "exceptionDescription", by=": ")
    told = refined(code, trouble, " ".join([said, *(text(one, "reasonDescription") for one in ancillary)]))
    status, reason = told or STATUSES.get(code, Meaning(Status.UNKNOWN))
    at, basis = _when(event, "date")
    return Scan(
        tracking_number=number,
        at=at,
        basis=basis,
        status=status,
        reason=reason,
        carrier_code=code,
        text=said,
        place=joined(optional(event, "scanLocation"), "city", "stateOrProvinceCode", "countryCode"),
        order=order,
        inferred=told is not None,
    )


def _without_false_deliveries(scans: Sequence[Scan]) -> list[Scan]:
    """A parcel that moves after a delivery was not delivered: each such scan takes one delivery before it back."""
    result, delivered = [], 0
    told = {replace(scan, order=0): scan for scan in scans}  # said twice is no second delivery
    for scan in sorted(told.values(), key=lambda scan: (scan.at, scan.order)):
        if scan.status is Status.DELIVERED:
            delivered += 1
        elif delivered and scan.status not in _STILL:
            scan, delivered = replace(scan, voids="DL"), delivered - 1
        result.append(scan)
    return result


def _when(event: Fields, field: str) -> tuple[datetime, Basis]:
    """Local time with its offset, also as "10:00:00 -0500"; without one (a date as midnight) nobody knows it."""
    at = iso_time(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", required(event, field)), field)
    return (at, Basis.GIVEN) if at.tzinfo else (at.replace(tzinfo=UTC), Basis.UNKNOWN)
