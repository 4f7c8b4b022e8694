"""Stalls: our finding that a shipment does not move as it should; and incidents, one cause behind many of them."""

from __future__ import annotations

from gateway.stalls.follow import follow

__all__ = ["follow"]
