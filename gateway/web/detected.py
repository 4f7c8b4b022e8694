"""A shipment that names no carrier: the one whose number it certainly is, or a no with the candidates."""

from __future__ import annotations

from typing import Any

from gateway.rules.detect import Candidate, candidates, decided
from gateway.runtime import Runtime
from gateway.web.problem import Problem


def detect(rt: Runtime, number: str) -> tuple[Candidate, list[dict[str, Any]]]:
    """The one it certainly is, and all candidates as answered. Raise 422 naming `carrier`, with `candidates`."""
    found = candidates(number, rt.carriers.number_forms())
    language = rt.policies.messages.languages[0]
    shown = [
        {
            "carrier": one.carrier,
            "name": rt.carriers[one.carrier].name(language),
            "tracking_number": one.number,
            "confidence": one.confidence.value,
            "reasons": list(one.reasons),
        }
        for one in found
    ]
    if (certain := decided(found)) is None:
        raise Problem(
            422,
            "cannot be accepted: carrier",
            errors=[("carrier", _why([one.carrier for one in found]))],
            extra={"candidates": shown},
        )
    return certain, shown


def _why(carriers: list[str]) -> str:
    if not carriers:
        return "is needed: no carrier here has numbers of this form"
    return f"is needed: the number may be of {' or '.join(carriers)}"
