"""Remedies: what was decided about a case, carried out once by the outbox, whatever crashes."""

from __future__ import annotations

from gateway.remedies.withdraw import follow

__all__ = ["follow"]
