"""Cases: one thing that went wrong with an order, with an owner, a deadline, a timeline and an end."""

from __future__ import annotations

from gateway.cases.follow import follow

__all__ = ["follow"]
