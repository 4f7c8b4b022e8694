"""The stall rules: is this shipment moving as it should, and will it keep its promise?

A threshold counts working hours of the carrier since the last progress (since registration while there was none).
1. An operator's override for this carrier, lane, service and status is taken as it is; else the status' pace, domestic
   or cross-border, whose `stall` gives way to what the lane's own history says, within the factors of `Learned`
   (`warn` moves in proportion).
2. A peak day between the last progress and the moment the threshold would pass stretches it.
3. A promise that would pass sooner shrinks `stall` to that moment, but never below `warn`: without a scan until then
   the parcel is late for certain. Parcels that wait for their recipient or travel back are not on the way to a promise.

Nobody is accused unheard: while the carrier was not heard about this leg after the moment the newest threshold passed,
`confirmed` is false, and the caller asks the carrier at once and judges again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from gateway.domain import FINAL, Status
from gateway.rules.calendar import Calendar
from gateway.rules.kinds import LATE, PRESUMED_LOST, case_kinds, exception_kind, stall_kind
from gateway.rules.policy import Stalls, Threshold
from gateway.rules.policy.playbooks import Phase
from gateway.rules.thresholds import Lane, threshold

__all__ = ["Facts", "LateKind", "Phase", "Verdict", "case_kinds", "exception_kind", "judge"]

LateKind = Literal["late", "late_escalate", "presumed_lost"]
Kind = TypeVar("Kind")

#: How soon we look again at what we could not judge: blind, or the carrier not heard yet.
AGAIN = timedelta(minutes=30)
#: At these the parcel is at its goal, or on its way away from it: the promise is no measure of what comes.
NO_PROMISE = frozenset({Status.AVAILABLE_FOR_PICKUP, Status.RETURNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a shipment is judged by: its current leg, and its promise.

    progress_at, contact_at: of the fold. created_at: when the current leg began. origin, destination: lane ends
    ("CN-Guangdong"). heard_at: when the carrier last answered or pushed about this leg. can_poll: it can be asked.
    blind: the carrier as a whole is unheard. delivered_at: by the bound that accuses least (the earliest).
    """

    id: str
    carrier: str
    status: Status
    progress_at: datetime | None
    contact_at: datetime | None = None
    created_at: datetime
    promised_at: datetime | None = None
    origin: str = ""
    destination: str = ""
    service: str = ""
    cross_border: bool = False
    moved: bool = False
    newest_unknown: bool = False
    heard_at: datetime | None = None
    can_poll: bool = True
    blind: bool = False
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """kind: of the case, when there is a phase. next_at: when to judge again if nothing happens before; None: never.

    late: past the promise. late_kind: how far past; `late_case` is the kind of case it opens, if any. confirmed: false
    means that phase and late_kind are suspicions; open nothing, clear nothing, ask the carrier and judge again.
    """

    phase: Phase | None = None
    kind: str | None = None
    rule: str = ""
    threshold_hours: float | None = None
    counted_hours: float = 0.0
    late: bool = False
    late_kind: LateKind | None = None
    confirmed: bool = True
    next_at: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def late_case(self) -> str | None:
        return {"late_escalate": LATE, "presumed_lost": PRESUMED_LOST}.get(self.late_kind or "")


def _limit(facts: Facts, policy: Stalls, calendar: Calendar, learned: float | None) -> tuple[Threshold | None, str]:
    base = facts.progress_at or facts.created_at
    lane = Lane(facts.carrier, facts.origin, facts.destination, facts.service, facts.status, facts.cross_border)
    return threshold(lane, policy, calendar, base, learned, _goal(facts))


def judge(facts: Facts, policy: Stalls, calendar: Calendar, now: datetime, learned: float | None = None) -> Verdict:
    """learned: the lane's quantile of dwell in this status, working hours; None while there is not enough of it."""
    if facts.status in FINAL:
        return Verdict(late=_arrived_late(facts))
    if facts.blind:
        return Verdict(next_at=now + AGAIN)
    base = facts.progress_at or facts.created_at
    limit, rule = _limit(facts, policy, calendar, learned)
    stall_moments, late_moments = _moments(limit, calendar, base), _late_moments(facts, policy, calendar)
    moments = [*stall_moments.values(), *late_moments.values()]
    phase, late_kind = _newest(stall_moments, now), _newest(late_moments, now)
    confirmed = _heard(facts, [at for at in moments if at <= now])
    hours = _hours(limit, phase)
    counted = calendar.working_hours(base, now)
    return Verdict(
        phase=phase,
        kind=stall_kind(facts.status) if phase else None,
        rule=rule,
        threshold_hours=hours,
        counted_hours=counted,
        late=late_kind is not None or _waits_late(facts),
        late_kind=late_kind,
        confirmed=confirmed,
        next_at=_next(moments, now, confirmed),
        evidence=_evidence(facts, calendar, rule, hours, counted),
    )


def _goal(facts: Facts) -> datetime | None:
    return None if facts.status in NO_PROMISE else facts.promised_at


def _heard(facts: Facts, passed: list[datetime]) -> bool:
    """Whether the carrier had its say after the last of these moments. One that cannot be asked has only its pushes."""
    return not passed or not facts.can_poll or (facts.heard_at is not None and facts.heard_at >= max(passed))


def _moments(limit: Threshold | None, calendar: Calendar, base: datetime) -> Mapping[Phase, datetime]:
    """When each phase begins if nothing moves."""
    hours: dict[Phase, float | None] = {} if limit is None else {"warn": limit.warn, "stall": limit.stall}
    return {phase: calendar.add_working_hours(base, count) for phase, count in hours.items() if count is not None}


def _hours(limit: Threshold | None, phase: Phase | None) -> float | None:
    """The threshold that passed, or the one that comes first."""
    if limit is None:
        return None
    return limit.stall if phase == "stall" or limit.warn is None else limit.warn


def _late_moments(facts: Facts, policy: Stalls, calendar: Calendar) -> Mapping[LateKind, datetime]:
    promised_at = _goal(facts)
    if promised_at is None:
        return {}
    promise = policy.promise
    lost = promise.lost_cross_border if facts.cross_border else promise.lost_domestic
    days: dict[LateKind, float] = {"late": promise.late, "late_escalate": promise.escalate, "presumed_lost": lost}
    return {kind: calendar.add_working_hours(promised_at, count * 24) for kind, count in days.items()}


def _newest(moments: Mapping[Kind, datetime], now: datetime) -> Kind | None:
    """The last of them, in their order, that has come."""
    passed = [kind for kind, at in moments.items() if at <= now]
    return passed[-1] if passed else None


def _next(moments: list[datetime], now: datetime, confirmed: bool) -> datetime | None:
    coming = [at for at in moments if at > now]
    return min(coming if confirmed else [*coming, now + AGAIN], default=None)


def _arrived_late(facts: Facts) -> bool:
    return bool(facts.promised_at and facts.delivered_at and facts.delivered_at > facts.promised_at)


def _waits_late(facts: Facts) -> bool:
    """It waits for its recipient since a moment past the promise."""
    waits = facts.status is Status.AVAILABLE_FOR_PICKUP
    return bool(waits and facts.promised_at and facts.progress_at and facts.progress_at > facts.promised_at)


def _evidence(facts: Facts, calendar: Calendar, rule: str, hours: float | None, counted: float) -> dict[str, Any]:
    """Why, in values that JSON can hold."""
    return {
        "rule": rule,
        "threshold_hours": None if hours is None else round(hours, 2),
        "counted_hours": round(counted, 2),
        "last_scan": facts.progress_at.isoformat() if facts.progress_at else None,
        "basis": f"{calendar.country} {calendar.works} {calendar.tz}",
        "promised_at": facts.promised_at.isoformat() if facts.promised_at else None,
    }
