"""Whether a shipment is plainly well, for very many of which nothing will be said: whole numbers, and nothing counted.

The first moment at which `gateway.rules.stall.judge` says anything: `warn` (or `stall`, where there is no `warn`) after
the last progress, or the promise and what its policy adds. A promise shrinks `stall`, but never below `warn`, so it
does not move the first. Tests hold both against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.domain import Status
from gateway.rules.calendar import Calendar
from gateway.rules.policy import Stalls, Threshold
from gateway.rules.stall import NO_PROMISE
from gateway.rules.thresholds import Lane, threshold

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: From one instant to another, in microseconds since 1970.
Move = Callable[[int], int]


class Quiet:
    """Of a lane in one status, neither final nor unheard. learned: see `judge`."""

    def __init__(self, lane: Lane, policy: Stalls, calendar: Calendar, learned: float | None) -> None:
        self._lane, self._policy, self._calendar, self._learned = lane, policy, calendar, learned
        promise = policy.promise
        lost = promise.lost_cross_border if lane.cross_border else promise.lost_domestic
        self._promise = calendar.adding(min(promise.late, promise.escalate, lost) * 24)
        self._waits = lane.status is Status.AVAILABLE_FOR_PICKUP
        self._goal = lane.status not in NO_PROMISE
        self._still = None if policy.peaks else self._moving(self._limit(_EPOCH))

    def until(self, base: int, promised_at: int | None) -> int | None:
        """The first moment at which there is something to say; None: never. base: the last progress, or when the leg
        began while there was none."""
        moments = []
        still = self._still or self._moving(self._limit(_EPOCH + timedelta(microseconds=base)))
        if still is not None:
            moments.append(still(base))
        if promised_at is not None and self._goal:
            moments.append(self._promise(promised_at))
        elif promised_at is not None and self._waits and base > promised_at:
            moments.append(0)  # it waits for its recipient since a moment past the promise: late, whatever the time is
        return min(moments, default=None)

    def _limit(self, base: datetime) -> Threshold | None:
        return threshold(self._lane, self._policy, self._calendar, base, self._learned, None)[0]

    def _moving(self, limit: Threshold | None) -> Move | None:
        hours = None if limit is None else limit.stall if limit.warn is None else limit.warn
        return None if hours is None else self._calendar.adding(hours)
