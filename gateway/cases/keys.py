"""Names that make things happen at most once."""

from __future__ import annotations


def open_key(kind: str, shipment_id: str | None, order_id: str) -> str:
    """One open case per kind and shipment; per kind and order where no shipment is concerned."""
    return f"{shipment_id or order_id}:{kind}"


def deed_key(case_id: str, ordinal: int, kind: str) -> str:
    """One deed per case and line of the playbook."""
    return f"{case_id}:{ordinal}:{kind}"
