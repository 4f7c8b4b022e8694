"""One event of a number's history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

from adapters.kuaidi100.statuses import RECIPIENT, refined
from gateway.contract.carrier import Meaning
from gateway.contract.reading import SHANGHAI, Fields, local_time, required, text
from gateway.domain import Basis, Scan, Status


def read(event: Fields, meaning: Callable[[str], Meaning], number: str, company: str | None, *, abroad: bool) -> Scan:
    """meaning: of a word in the table. abroad: its time has no offset that anybody knows."""
    word, remark = text(event, "statusCode") or text(event, "status"), text(event, "context")
    told, at = refined(word, remark), text(event, "ftime") or required(event, "time")
    status, reason = told or meaning(word)
    return Scan(
        tracking_number=number,
        company=company,
        at=local_time(at, UTC if abroad else SHANGHAI, "ftime", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"),
        basis=Basis.UNKNOWN if abroad else Basis.CARRIER_ZONE,
        status=status,
        reason=reason,
        carrier_code=word,
        text=remark,
        place=text(event, "areaName") or text(event, "location"),
        inferred=told is not None and told.status is Status.AVAILABLE_FOR_PICKUP,
        confirmed=word in RECIPIENT,
    )
