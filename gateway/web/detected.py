"""A shipment that names no carrier: the one whose number it certainly is, or a no with the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.rules.detect import Candidate
from gateway.runtime import Runtime
from gateway.tracking.detecting import detect
from gateway.web.problem import Problem


async def detected(rt: Runtime, number: str, deadline: float) -> tuple[Candidate, list[dict[str, Any]]]:
    """The one it certainly is, and all candidates as answered. Raise 422 naming `carrier`, with `candidates`; and with
    `notes`, where an aggregator was to be asked and could not, or named somebody else."""
    told = await detect(rt, number, deadline)
    shown = _shown(rt, told.found)
    if told.certain is None:
        raise Problem(
            422,
            "cannot be accepted: carrier",
            errors=[("carrier", _why([one.carrier for one in told.found]))],
            extra={"candidates": shown} | ({"notes": list(told.notes)} if told.notes else {}),
        )
    return told.certain, shown


def _shown(rt: Runtime, found: Sequence[Candidate]) -> list[dict[str, Any]]:
    language = rt.policies.messages.languages[0]
    return [
        {
            "carrier": one.carrier,
            "name": rt.carriers[one.carrier].name(language),
            "tracking_number": one.number,
            "confidence": one.confidence.value,
            "reasons": list(one.reasons),
        }
        for one in found
    ]


def _why(carriers: list[str]) -> str:
    if not carriers:
        return "is needed: no carrier here has numbers of this form"
    return f"is needed: the number may be of {' or '.join(carriers)}"
