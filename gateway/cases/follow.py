"""What carriers report about a parcel opens cases, and what they report next clears them."""

from __future__ import annotations

from typing import Any

from gateway.cases.closing import clear_of_shipment
from gateway.cases.fault import fault_of
from gateway.cases.opening import open_case
from gateway.domain import FINAL, PAPERWORK, Reason, Status
from gateway.rules.kinds import exception_kind
from gateway.rules.playbook import PlaybookContext
from gateway.runtime import Runtime
from gateway.store import cases
from gateway.store.engine import Tx
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


async def follow(rt: Runtime, tx: Tx, change: Change) -> None:
    """Called in the transaction of every change of a shipment."""
    after = change.after
    kind = reported(after.status, after.reason)
    if kind is not None or after.status not in PAPERWORK:  # paperwork does not end a trouble
        await clear_of_shipment(
            rt,
            tx,
            change.shipment_id,
            f"the carrier reports {after.status}",
            which=lambda case: case.kind.startswith(_PREFIX) and case.kind != kind,
            final=after.status in FINAL,
        )
    if kind is not None and not await _known(tx, change, kind):
        await _open(rt, tx, change, kind)


async def _known(tx: Tx, change: Change, kind: str) -> bool:
    """This very exception had its case already: the same history read again is no new trouble."""
    earlier = await cases.of_shipment(tx, change.shipment_id, kind)
    return any(case.open_key is not None or case.evidence.get("since") == _since(change) for case in earlier)


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
