"""A glance at a shipment that is due: whether all is well with it. Nearly always it is; then it is only rescheduled.

The glance judges by the columns that the fold wrote; it reads no history and locks no shipment. Whatever is not plainly
well is looked at (gateway.stalls.look).
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain import FINAL, Status
from gateway.rules.calendar import Calendar
from gateway.rules.stall import Facts, judge, quiet
from gateway.runtime import Runtime
from gateway.stalls.hearing import Hearing
from gateway.stalls.lanes import Learned
from gateway.stalls.look import calendar_of, crosses_border
from gateway.store.engine import Tx
from gateway.store.lanes import Lane
from gateway.store.watches import Brief
from gateway.tracking.pace import reader


class Glance:
    """Glances of one transaction. learned: what is known of lanes, asked for once each."""

    def __init__(self, rt: Runtime, ears: Hearing) -> None:
        self._rt, self._ears, self._now = rt, ears, rt.clock()
        self._learned = Learned()
        self._calendars: dict[str, Calendar] = {}
        self._asked = {code: reader(rt, code) is not None for code in rt.carriers}

    async def well(self, tx: Tx, brief: Brief) -> tuple[bool, datetime | None]:
        """Whether nothing is to be done about it, and when to look again then (None: not until something changes)."""
        if brief.opened_at is None:
            return True, None  # no such shipment any more
        if not brief.watching or brief.troubled or brief.stalled or brief.status in FINAL:
            return False, None
        status = Status(brief.status)
        lane = Lane(carrier=brief.carrier, origin=brief.origin, destination=brief.destination, service=brief.service)
        learned = await self._learned.of(tx, lane, status)
        facts = self._facts(brief, brief.opened_at, status)
        calendar, policy = self._calendar(brief.carrier), self._rt.policies.stalls
        if facts.blind:
            return True, judge(facts, policy, calendar, self._now, learned).next_at
        well, next_at = quiet(facts, policy, calendar, self._now, learned)
        return well and not brief.late, next_at

    def _calendar(self, carrier: str) -> Calendar:
        if carrier not in self._calendars:
            self._calendars[carrier] = calendar_of(self._rt, carrier)
        return self._calendars[carrier]

    def _facts(self, brief: Brief, opened_at: datetime, status: Status) -> Facts:
        heard = [at for at in (brief.heard_at, brief.polled_at) if at is not None]
        carrier = brief.carrier
        return Facts(
            id=brief.shipment_id,
            carrier=carrier,
            status=status,
            progress_at=brief.progress_at,
            created_at=opened_at,
            promised_at=brief.promised_at,
            origin=brief.origin,
            destination=brief.destination,
            service=brief.service,
            cross_border=crosses_border(brief.origin, brief.destination),
            heard_at=max(heard, default=None),
            can_poll=self._asked.get(carrier, False),
            blind=carrier not in self._rt.carriers or self._ears.blind(carrier, opened_at),
        )
