"""The circuit of a carrier: closed, open (new parcels go to backups), half open (a few are let through to probe)."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.rules.choose import Circuit as State
from gateway.rules.policy import Circuit, Stalls


def turned(state: State, since: datetime | None, sick: bool, policy: Circuit, now: datetime) -> State:
    """The circuit after a look at the carrier. since: when it last turned. Pure.

    Whoever is sick is cut off; one that is well rests, is probed, and is trusted again when it stayed well.
    """
    if sick:
        return "open"
    lasted = timedelta.max if since is None else now - since
    if state == "open" and lasted >= timedelta(hours=policy.rest_hours):
        return "half_open"
    if state == "half_open" and lasted >= timedelta(hours=policy.probe_hours):
        return "closed"
    return state


def enough(policy: Stalls, stalled: int) -> int:
    """How many live parcels of a carrier are to be counted: with more of them, nothing is judged otherwise. Pure."""
    crowd = int(stalled / policy.circuit.stall_rate) + 1
    return max(crowd, policy.circuit.min_live, policy.blindness.min_live)


def too_many(stalled: int, legs: int, policy: Circuit) -> bool:
    """Whether so large a share of a carrier's live parcels is stalled that new ones should go elsewhere."""
    return legs >= policy.min_live and stalled >= policy.stall_rate * legs
