"""What other systems see go wrong with an order (api.md, POST /v1/exceptions)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.cases.fault import fault_of
from gateway.cases.keys import open_key
from gateway.cases.opening import open_case
from gateway.domain import Reason
from gateway.rules.kinds import ORDER_KINDS
from gateway.rules.playbook import PlaybookContext
from gateway.runtime import Runtime
from gateway.store import cases, shipments
from gateway.store.engine import Tx
from gateway.store.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """kind: one of ORDER_KINDS. customer: name, phone, email, wechat_openid, locale, timezone, consent, as a recipient
    is registered; used when the order has no shipment yet. items: what it is about, as the shop says it."""

    order_id: str
    kind: str
    detail: str = ""
    customer: Mapping[str, Any] | None = None
    items: Sequence[Any] = ()
    at: datetime | None = None


async def report_exception(rt: Runtime, tx: Tx, report: Report, *, who: str) -> tuple[str, bool]:
    """(the id of the case, whether it is new): an order has one open case of a kind. Raise ValueError naming `kind`."""
    if report.kind not in ORDER_KINDS:
        raise ValueError(f"kind: {report.kind!r} is none of {', '.join(ORDER_KINDS)}")
    parcels = await shipments.of_order(tx, report.order_id)
    parcel = parcels[0] if len(parcels) == 1 else None
    opened = await open_case(
        rt,
        tx,
        kind=report.kind,
        order_id=report.order_id,
        shipment_id=parcel.id if parcel else None,
        carrier=parcel.carrier if parcel else None,
        cause=report.detail or report.kind,
        evidence=_evidence(rt, report),
        context=_context(report.kind, parcel, report.customer),
        customer=dict(report.customer) if report.customer else None,
    )
    if opened is not None:
        await cases.event(tx, opened, rt.clock(), who, "reported", {"detail": report.detail})
        return opened, True
    known = await cases.open_under(tx, open_key(report.kind, parcel.id if parcel else None, report.order_id))
    if known is None:  # closed between the two statements: now there is room for a new one
        return await report_exception(rt, tx, report, who=who)
    await cases.event(tx, known.id, rt.clock(), who, "reported again", {"detail": report.detail})
    return known.id, False


def _evidence(rt: Runtime, report: Report) -> dict[str, Any]:
    at = report.at or rt.clock()
    return {
        "rule": "reported",
        "threshold_hours": None,
        "counted_hours": None,
        "last_scan": None,
        "basis": None,
        "at": at.isoformat(),
        "items": list(report.items),
    }


def _context(kind: str, parcel: Row | None, customer: Mapping[str, Any] | None) -> PlaybookContext:
    if parcel is None:
        return PlaybookContext(fault=fault_of(kind, None), country=str((customer or {}).get("country") or ""))
    reason = Reason(parcel.reason) if parcel.reason else None
    moved = parcel.progress_at is not None and parcel.status != "pre_transit"
    country = parcel.destination.partition("-")[0]
    return PlaybookContext(moved=moved, fault=fault_of(kind, reason), country=country)
