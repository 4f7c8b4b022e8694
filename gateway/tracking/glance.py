"""The Tracking of api.md straight from the rows of a shipment, where nothing in them has to be concluded anew.

A history is folded when it is written, and the columns hold what came of it. Only a code that its adapter did not know
may mean more today, once operators have said what: such a shipment is read by `gateway.tracking.view` itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.domain import FINAL, Status
from gateway.store.history import lines
from gateway.store.reading import Row
from gateway.store.tables import instant

Json = dict[str, Any]
#: A carrier's code -> its name in the reader's language.
Names = Mapping[str, str]


def glance(rows: Sequence[Row], names: Names, words: Callable[[Row], Json], late: timedelta) -> Json | None:
    """rows: of one shipment, the first leg first. words: status_text and reason_text. late: what is learned so long
    after it happened. None: it has to be read."""
    histories = []
    for row in rows:
        told = lines(row.history, late)
        if told is None:
            return None
        histories.append(told)
    at = {when: shown["at"] for told in reversed(histories) for when, shown in reversed(told)}
    shipment = rows[0]
    return {
        "tracking_number": shipment.tracking_number,
        "carrier": {"code": shipment.carrier, "name": names[shipment.carrier]},
        "order_id": shipment.order_id,
        "status": shipment.status,
        "reason": shipment.reason,
        **words(shipment),
        "since": _local(shipment.since, at),
        "promised_at": (promise := _promised(shipment)),
        "eta": eta(promise, shipment.status, shipment.late),
        "stalled": bool(shipment.stalled),
        "late": bool(shipment.late),
        "delivered_at": _local(shipment.delivered_at, at),
        "sequence": shipment.sequence,
        "updated_at": instant(shipment.updated_at).isoformat(),
        "legs": [_leg(row, told, names) for row, told in zip(rows, histories, strict=True)],
    }


def _leg(row: Row, told: Sequence[tuple[int, Json]], names: Names) -> Json:
    return {
        "carrier": {"code": row.leg_carrier, "name": names[row.leg_carrier]},
        "tracking_number": row.leg_number,
        "status": leg_status(row.leg_status, row.closed_why),
        "reason": row.leg_reason,
        "current": (row.leg_carrier, row.leg_number) == (row.carrier, row.tracking_number),
        "scans": [shown for _, shown in reversed(told)],
    }


def _local(at: int | None, told: dict[int, str]) -> str | None:
    return None if at is None else told.get(at) or instant(at).isoformat()


def _promised(shipment: Row) -> str | None:
    given = json.loads(shipment.document).get("promised_at") if '"promised_at"' in shipment.document else None
    if isinstance(given, str):
        return given
    return None if shipment.promised_at is None else instant(shipment.promised_at).isoformat()


def eta(promise: str | None, status: str, late: bool) -> Json | None:
    """When it can be expected: all we know is the promise, and that only until it is broken or kept."""
    over = late or status in FINAL or status == Status.RETURNING
    return None if promise is None or over else {"earliest": None, "latest": promise, "basis": "promise"}


def leg_status(status: str, closed_why: str | None) -> str:
    """What a reader is told of a leg: one that we cancelled is cancelled, unless it came to another end."""
    return Status.CANCELLED if closed_why == "cancelled" and status not in FINAL else status
