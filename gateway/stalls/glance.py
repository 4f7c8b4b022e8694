"""A glance at a shipment that is due: whether all is well with it. Nearly always it is; then it is only rescheduled.

The glance judges by the columns that the fold wrote, as they are stored; it reads no history and locks no shipment.
Whatever is not plainly well is looked at (gateway.stalls.look).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.domain import FINAL, Status
from gateway.rules import thresholds
from gateway.rules.quiet import Quiet
from gateway.rules.stall import AGAIN
from gateway.runtime import Runtime
from gateway.stalls.hearing import Hearing
from gateway.stalls.look import calendar_of, crosses_border
from gateway.store.lanes import Lane
from gateway.store.tables import instant, micros
from gateway.store.watches import Brief


class Glance:
    """Glances of one moment. learned: the hours of lanes and statuses of which there is enough (`lanes.hours_of`)."""

    def __init__(self, rt: Runtime, ears: Hearing, learned: Mapping[tuple[Lane, str], float]) -> None:
        self._rt, self._ears, self._learned = rt, ears, learned
        now = rt.clock()
        self._now, self._again = micros(now), micros(now + AGAIN)
        self._quiet: dict[tuple[str | None, ...], Quiet] = {}

    def well(self, brief: Brief) -> tuple[bool, int | None]:
        """Whether nothing is to be done about it, and when to look again then (None: not until something changes)."""
        if brief.carrier is None:
            return True, None  # no such shipment any more
        if not brief.calm or brief.status in FINAL:
            return False, None
        if self._blind(brief.carrier, brief.opened_at):
            return True, self._again
        until = self._of_lane(brief).until(brief.base, brief.promised_at)
        return until is None or until > self._now, until

    def _of_lane(self, brief: Brief) -> Quiet:
        key = brief[2:7]
        found = self._quiet.get(key)
        if found is None:
            found = self._quiet[key] = self._made(*_lane(brief))
        return found

    def _made(self, lane: Lane, status: str) -> Quiet:
        border = crosses_border(lane.origin, lane.destination)
        named = thresholds.Lane(lane.carrier, lane.origin, lane.destination, lane.service, Status(status), border)
        calendar, learned = calendar_of(self._rt, lane.carrier), self._learned.get((lane, status))
        return Quiet(named, self._rt.policies.stalls, calendar, learned)

    def _blind(self, carrier: str, opened_at: int | None) -> bool:
        """opened_at: of the leg; None: it does not matter, for the carrier is heard."""
        since = None if opened_at is None else instant(opened_at)
        return carrier not in self._rt.carriers or (since is not None and self._ears.blind(carrier, since))


def lanes_of(briefs: Iterable[Brief]) -> set[tuple[Lane, str]]:
    """The lanes and statuses of which one wants to know what was learned."""
    return {_lane(brief) for brief in {brief[2:7]: brief for brief in briefs if brief.calm}.values()}


def _lane(brief: Brief) -> tuple[Lane, str]:
    carrier, origin, destination, service, status = brief[2:7]
    return Lane(carrier=carrier or "", origin=origin, destination=destination, service=service), status
