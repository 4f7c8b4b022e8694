"""A case as the API shows it (api.md, `case` and `remedy`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.domain import DeedKind
from gateway.store import cases, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row

_REMEDIES = frozenset(DeedKind)


async def load_case(tx: Tx, case_id: str, now: datetime) -> dict[str, Any] | None:
    """The whole case with remedies and timeline; None when there is none."""
    case = await cases.get(tx, case_id)
    if case is None:
        return None
    remedies = [remedy(deed) for deed in await outbox.of_case(tx, case_id) if deed.kind in _REMEDIES]
    return {**brief(case, now), "remedies": remedies, "timeline": _timeline(await cases.timeline(tx, case_id))}


def brief(case: Row, now: datetime) -> dict[str, Any]:
    """A case as lists show it."""
    return {
        "id": case.id,
        "kind": case.kind,
        "state": case.state,
        "phase": case.phase,
        "severity": case.severity,
        "order_id": case.order_id,
        "shipment_id": case.shipment_id,
        "carrier": case.carrier,
        "owner": case.owner,
        "due_at": _iso(case.due_at),
        "overdue": case.closed_at is None and case.due_at is not None and case.due_at < now,
        "opened_at": _iso(case.opened_at),
        "closed_at": _iso(case.closed_at),
        "cause": case.cause,
        "evidence": case.evidence,
    }


def remedy(deed: Row) -> dict[str, Any]:
    return {
        "id": deed.id,
        "kind": deed.kind,
        "state": deed.state,
        "attempts": deed.attempts,
        "result": deed.result,
        "reason": deed.reason,
        "due_at": _iso(deed.due_at),
        "ended_at": _iso(deed.ended_at),
        "plan": deed.payload.get("plan"),
    }


def _timeline(events: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"at": _iso(line.at), "who": line.who, "what": line.what, "detail": line.detail} for line in events]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
