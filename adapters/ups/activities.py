"""Packages and activities of the Track API; events of Track Alert in its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from adapters.ups.statuses import is_doubtful, word
from gateway.contract.carrier import Meaning
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import Fields, inside, local_time, objects, optional, required, text, unreadable
from gateway.domain import Basis, Scan, Status

#: Track Alert's names of what the Track API calls otherwise.
_ALERT = {"gmtDate": "gmtActivityDate", "gmtTime": "gmtActivityTime", "gmtOffset": "gmtOffset"}
_ALERT |= {"date": "localActivityDate", "time": "localActivityTime"}


def some(source: Fields, field: str) -> list[dict[str, Any]]:
    """A list that must be there and hold something."""
    found = objects(source.get(field), field)
    if not found:
        raise BadPayload(f"{field}: is missing")
    return found


def packages(answer: Fields) -> list[dict[str, Any]]:
    """The packages of a trackResponse. Raise Refused for warnings that are not "not found"."""
    shipments = some(inside(answer, "trackResponse"), "shipment")
    return [package for shipment in shipments for package in _packages(shipment)]


def from_alert(event: Fields) -> dict[str, Any]:
    """The activity of an alert, v1 and v2 alike."""
    status = optional(event, "activityStatus")
    activity = {ours: event.get(theirs) for ours, theirs in _ALERT.items()}
    activity["status"] = {**status, "statusCode": status.get("descriptionCode")}
    return activity | {"location": {"address": event.get("activityLocation")}}


def scan(
    activity: Fields,
    meaning: Callable[[str], Meaning],
    number: str,
    time: tuple[datetime, Basis],
    *,
    arrived: bool,
    order: int = 0,
) -> Scan:
    """One activity. arrived: the date of delivery is filled in, without which a D is no delivery. time: its `when`."""
    status, (at, basis) = optional(activity, "status"), time
    code = word(status)
    told = meaning("" if is_doubtful(code, text(status, "type")) else code)
    if code == "D" and arrived:
        told = Meaning(Status.DELIVERED)
    return Scan(
        tracking_number=number,
        at=at,
        basis=basis,
        status=told.status,
        reason=told.reason,
        carrier_code=code,
        text=text(status, "description"),
        place=place(activity),
        order=order,
    )


def when(activity: Fields) -> tuple[datetime, Basis]:
    """GMT first, shown at the local offset; without it local time, whose offset nobody knows unless it is given."""
    given = text(activity, "gmtOffset")
    offset = _offset(given) if given else None
    date, time = text(activity, "gmtDate"), text(activity, "gmtTime")
    if date and time:
        return _stamp(date, time, "gmtTime", UTC).astimezone(offset or UTC), Basis.GIVEN
    local = _stamp(required(activity, "date"), required(activity, "time"), "time", offset or UTC)
    return local, Basis.GIVEN if offset else Basis.UNKNOWN


def place(activity: Fields) -> str:
    """City, state and country."""
    address = optional(optional(activity, "location"), "address")
    country = text(address, "countryCode") or text(address, "country")
    return ", ".join(filter(None, (text(address, "city"), text(address, "stateProvince"), country)))


def _packages(shipment: Fields) -> list[dict[str, Any]]:
    if found := objects(shipment.get("package"), "package"):
        return found
    codes = [text(warning, "code") for warning in some(shipment, "warnings")]
    if "TW0001" in codes:
        return []
    raise Refused(f"no package, but {' '.join(codes)}", code=codes[0], status=200)


def _stamp(date: str, time: str, field: str, zone: timezone) -> datetime:
    digits = date + time.replace(":", "").zfill(6)
    return local_time(digits if len(digits) == 14 else "", zone, field, "%Y%m%d%H%M%S")


@lru_cache(maxsize=256)
def _offset(value: str) -> timezone:
    parts = re.fullmatch(r"([+-]?)([0-9]{1,2})[:.]?([0-9]{0,2})", value)  # -05:00, -04.00
    with unreadable("gmtOffset", value):
        sign, hours, minutes = parts.groups() if parts else ("", "99", "")
        ahead = timedelta(hours=int(hours), minutes=int(minutes.ljust(2, "0")))
        return timezone(-ahead if sign == "-" else ahead)
