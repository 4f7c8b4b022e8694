"""What an adapter may have besides: telling whose a number may be. Rows that say `detect: true` are asked."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Detector(Protocol):
    """An aggregator with a call that names the companies a number may belong to."""

    async def detect(self, number: str) -> list[str]:
        """Their names as in `aliases`, best first and each once; [] when it knows of none. A read: changes nothing."""
