"""polling.yaml: how often a carrier is asked about a leg."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field, PositiveFloat

from gateway.domain import Status
from gateway.rules.policy.document import Document

_HOURS: Mapping[Status, float] = {
    Status.PRE_TRANSIT: 6,
    Status.PICKED_UP: 4,
    Status.IN_TRANSIT: 4,
    Status.CUSTOMS: 8,
    Status.OUT_FOR_DELIVERY: 2,
    Status.AVAILABLE_FOR_PICKUP: 8,
    Status.ATTEMPT_FAILED: 3,
    Status.EXCEPTION: 4,
    Status.RETURNING: 12,
    Status.UNKNOWN: 4,
}


class PollPace(Document):
    """hours: between two questions, by status. Near or past the promise they are multiplied by `near`, for a leg
    without progress for `quiet_days` by `quiet`, for a carrier that pushes by `pushed`; at most `at_most_hours`.

    after_final_hours: late checks after a final status. backoff: after failed polls, doubling from first to most.
    late_hours: a scan heard of so long after its time is marked as learned late.
    never_days: given up when nothing was ever said; still_days: when nothing more was said. jitter: share of spreading.
    """

    hours: dict[Status, PositiveFloat] = dict(_HOURS)
    default_hours: PositiveFloat = 6
    near_hours: float = Field(default=24, ge=0)
    near: float = Field(default=0.5, gt=0, le=1)
    quiet_days: PositiveFloat = 10
    quiet: float = Field(default=3, ge=1)
    pushed: float = Field(default=6, ge=1)
    at_most_hours: PositiveFloat = 24
    after_final_hours: tuple[PositiveFloat, ...] = (24, 72)
    backoff_first_minutes: PositiveFloat = 2
    backoff_most_hours: PositiveFloat = 4
    jitter: float = Field(default=0.1, ge=0, lt=1)
    late_hours: PositiveFloat = 6
    never_days: PositiveFloat = 30
    still_days: PositiveFloat = 60

    @property
    def late(self) -> timedelta:
        return timedelta(hours=self.late_hours)
