"""A glance says the same as a judgement of which nothing would follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import FINAL, Status
from gateway.rules.calendar import Calendar
from gateway.rules.policy import Stalls
from gateway.rules.quiet import Quiet
from gateway.rules.stall import Facts, judge
from gateway.rules.thresholds import Lane
from tests.rules.scans import NOON

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
PACES = {
    "pre_transit": {"domestic": {"warn": 48, "stall": 72}},
    "in_transit": {"domestic": {"warn": 72, "stall": 120}, "cross_border": {"stall": 240}},
    "attempt_failed": {"domestic": {"stall": 48}},
    "out_for_delivery": {"domestic": {"warn": 24}},
    "available_for_pickup": {"domestic": {"warn": 72, "stall": 120}},
}
POLICIES = [
    Stalls.model_validate({"thresholds": PACES} | more)
    for more in (
        {},
        {"promise": {"late": 1, "escalate": 3}},
        {"peaks": [{"first": "03-04", "last": "03-06", "stretch": 2}, {"first": "01-01", "last": "01-03"}]},
        {"overrides": [{"status": "in_transit", "origin": "CN-*", "threshold": {"warn": 5, "stall": 6}}]},
    )
]
CALENDARS = [Calendar("CN"), Calendar("CN", "mon-fri"), Calendar("US", "mon-fri", "America/New_York")]
HOURS = st.floats(-100, 400)


@given(
    st.sampled_from(POLICIES),
    st.sampled_from(CALENDARS),
    st.sampled_from(sorted(set(Status) - FINAL)),
    st.sampled_from([NOON, NOON - timedelta(days=66)]),  # the second is the end of a year
    st.one_of(st.none(), HOURS),
    st.one_of(st.none(), HOURS),
    st.floats(0, 400),
    st.one_of(st.none(), st.floats(1, 300)),
    st.booleans(),
)
def test_what_is_quiet_has_no_verdict(
    policy: Stalls,
    calendar: Calendar,
    status: Status,
    began: datetime,
    progress: float | None,
    promised: float | None,
    hours: float,
    learned: float | None,
    border: bool,
) -> None:
    def at(after: float | None) -> datetime | None:
        return None if after is None else began + timedelta(hours=after)

    now = began + timedelta(hours=hours)
    facts = Facts(
        id="shp_1",
        carrier="sf",
        status=status,
        progress_at=at(progress),
        created_at=began,
        promised_at=at(promised),
        origin="CN-Guangdong",
        destination="US-CA" if border else "CN-Beijing",
        cross_border=border,
        heard_at=now,
    )
    verdict = judge(facts, policy, calendar, now, learned)
    lane = Lane("sf", facts.origin, facts.destination, "", status, border)
    until = Quiet(lane, policy, calendar, learned).until(
        _micros(facts.progress_at or began), None if facts.promised_at is None else _micros(facts.promised_at)
    )
    well = until is None or until > _micros(now)
    if well:
        assert verdict.phase is None and verdict.late_kind is None and not verdict.late
        assert (None if until is None else EPOCH + until * MICROSECOND) == verdict.next_at
    elif progress is not None:
        assert verdict.phase is not None or verdict.late


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND
