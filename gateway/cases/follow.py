"""What carriers report about a parcel opens cases, and what they report next clears them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.cases.closing import clear_each
from gateway.cases.fault import fault_of
from gateway.cases.opening import open_case
from gateway.domain import FINAL, PAPERWORK, Reason, Status
from gateway.rules.kinds import exception_kind
from gateway.rules.playbook import PlaybookContext
from gateway.runtime import Runtime
from gateway.store import cases
from gateway.store.engine import Tx
from gateway.store.rows import Row
from gateway.tracking.change import Change

_PREFIX = "exception_"


def reported(status: Status, reason: Reason | None) -> str | None:
    """The kind of case that a status with its reason is; None when nothing is wrong.

    A parcel that arrived damaged is still damaged; whatever else went wrong before is over when it arrives.
    """
    if status is Status.DELIVERED and reason is not Reason.DAMAGED:
        return None
    if reason is None and status is not Status.EXCEPTION:
        return None
    return exception_kind(reason)


async def follow(rt: Runtime, tx: Tx, changes: Sequence[Change]) -> None:
    """Called in the transaction of every change of a shipment."""
    kinds = {change.shipment_id: reported(change.after.status, change.after.reason) for change in changes}
    open_cases = await cases.open_of_shipments(tx, kinds.keys())
    earlier = await cases.of_shipments(tx, [shipment_id for shipment_id, kind in kinds.items() if kind is not None])
    for change in changes:
        kind = kinds[change.shipment_id]
        await _clear(rt, tx, change, kind, open_cases.get(change.shipment_id, ()))
        if kind is not None and not _known(change, kind, earlier.get(change.shipment_id, ())):
            await _open(rt, tx, change, kind)


async def _clear(rt: Runtime, tx: Tx, change: Change, kind: str | None, open_cases: Sequence[Row]) -> None:
    status = change.after.status
    if kind is None and status in PAPERWORK:
        return  # paperwork does not end a trouble
    await clear_each(
        rt,
        tx,
        open_cases,
        f"the carrier reports {status}",
        which=lambda case: case.kind.startswith(_PREFIX) and case.kind != kind,
        final=status in FINAL,
    )


def _known(change: Change, kind: str, earlier: Sequence[Row]) -> bool:
    """This very exception had its case already: the same history read again is no new trouble."""
    since = _since(change)
    return any(
        case.kind == kind and (case.open_key is not None or case.evidence.get("since") == since) for case in earlier
    )


async def _open(rt: Runtime, tx: Tx, change: Change, kind: str) -> None:
    after = change.after
    await open_case(
        rt,
        tx,
        kind=kind,
        order_id=after.order_id,
        shipment_id=change.shipment_id,
        carrier=after.carrier,
        cause=f"the carrier reports {after.status}, {after.reason or Reason.OTHER}",
        evidence=_evidence(change),
        context=context_of(change, kind),
        act=not change.replay,
    )


def context_of(change: Change, kind: str) -> PlaybookContext:
    """What a playbook is told of a shipment that was just heard of."""
    return PlaybookContext(
        moved=change.state.moved,
        newest_unknown=change.state.newest_unknown,
        inferred=change.state.inferred,
        fault=fault_of(kind, change.after.reason),
        country=change.after.destination.partition("-")[0],
    )


def _since(change: Change) -> str | None:
    return change.state.since.isoformat() if change.state.since else None


def _evidence(change: Change) -> dict[str, Any]:
    newest = change.fresh[-1].scan if change.fresh else None
    return {
        "rule": "carrier_reported",
        "threshold_hours": None,
        "counted_hours": None,
        "last_scan": newest.at.isoformat() if newest else _since(change),
        "basis": newest.basis if newest else None,
        "since": _since(change),
        "carrier_code": newest.carrier_code if newest else None,
        "text": newest.text if newest else None,
    }
