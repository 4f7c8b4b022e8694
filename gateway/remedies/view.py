"""A grant as the API shows it (api.md, `coupon`)."""

from __future__ import annotations

from typing import Any

from gateway.store.rows import Row


def grant_view(row: Row) -> dict[str, Any]:
    """row: of `ledger`."""
    return {
        "id": row.id,
        "code": row.code,
        "kind": row.kind,
        "amount": {"amount": row.amount, "currency": row.currency},
        "state": row.state,
        "reason": row.reason,
        "order_id": row.order_id,
        "case_id": row.case_id,
        "shipment_id": row.shipment_id,
        "tier": row.tier,
        "issued_at": row.issued_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "policy_version": row.policy_version,
    }
