"""Stalls and broken promises."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Status
from gateway.rules.calendar import Calendar
from gateway.rules.policy import Stalls
from gateway.rules.stall import Facts, Verdict, judge
from tests.rules.scans import NOON

CHINA = Calendar("CN")  # no holiday between the first day of March and the fifth of April
OFFICE = Calendar("CN", "mon-fri")
TABLE = {
    "pre_transit": {"domestic": {"warn": 48, "stall": 72}},
    "in_transit": {"domestic": {"warn": 72, "stall": 120}, "cross_border": {"warn": 168, "stall": 240}},
    "attempt_failed": {"domestic": {"stall": 48}},
    "available_for_pickup": {"domestic": {"warn": 72, "stall": 120}},
}


def _policy(**fields: Any) -> Stalls:
    return Stalls.model_validate({"thresholds": TABLE} | fields)


def _judge(hours: float, *, policy: Stalls | None = None, calendar: Calendar = CHINA, **fields: Any) -> Verdict:
    """The verdict so many hours after noon of 5 March, a Thursday, when the parcel was seen last."""
    now = NOON + timedelta(hours=hours)
    learned = fields.pop("learned", None)
    facts: dict[str, Any] = {"id": "s1", "carrier": "sf", "status": Status.IN_TRANSIT, "progress_at": NOON}
    facts |= {"created_at": NOON, "origin": "CN-Guangdong", "destination": "CN-Beijing", "heard_at": now}
    return judge(Facts(**(facts | fields)), policy or _policy(), calendar, now, learned)


def _promise(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("hours", "phase", "coming"),
    [(0, None, 72), (71.9, None, 72), (72, "warn", 120), (119, "warn", 120), (120, "stall", None)],
)
def test_phases_begin_at_their_thresholds(hours: float, phase: str | None, coming: float | None) -> None:
    verdict = _judge(hours)
    assert verdict.phase == phase
    assert verdict.next_at == (None if coming is None else _promise(coming))
    assert verdict.kind == ("stall_in_transit" if phase else None)


def test_a_stall_says_why() -> None:
    evidence = _judge(121).evidence
    assert json.loads(json.dumps(evidence)) == evidence
    assert evidence["rule"] == "table"
    assert (evidence["threshold_hours"], evidence["counted_hours"]) == (120, 121)
    assert evidence["last_scan"] == NOON.isoformat()
    assert evidence["basis"] == "CN mon-sun Asia/Shanghai"


def test_days_that_do_not_count_do_not_accuse() -> None:
    assert _judge(119, calendar=OFFICE).phase is None
    assert _judge(120, calendar=OFFICE).phase == "warn"


def test_across_a_border_the_other_threshold_holds() -> None:
    assert _judge(167, cross_border=True).phase is None
    assert _judge(240, cross_border=True).phase == "stall"
    assert _judge(72, cross_border=True, status=Status.PRE_TRANSIT).phase == "stall"


def test_a_leg_of_which_nothing_was_said_counts_from_its_beginning() -> None:
    verdict = _judge(72, status=Status.PRE_TRANSIT, progress_at=None)
    assert verdict.phase == "stall"
    assert verdict.evidence["last_scan"] is None


@pytest.mark.parametrize("heard", [None, 0, 119])
def test_nobody_is_accused_before_the_carrier_was_heard(heard: float | None) -> None:
    verdict = _judge(120, heard_at=None if heard is None else _promise(heard))
    assert (verdict.phase, verdict.confirmed) == ("stall", False)
    assert verdict.next_at is not None
    assert verdict.next_at <= _promise(121)


def test_a_carrier_that_cannot_be_asked_has_only_its_pushes() -> None:
    assert _judge(120, heard_at=None, can_poll=False).confirmed


def test_blindness_is_not_a_stall() -> None:
    verdict = _judge(500, blind=True, promised_at=NOON)
    assert (verdict.phase, verdict.late, verdict.late_kind) == (None, False, None)
    assert verdict.next_at is not None


@pytest.mark.parametrize("status", ["delivered", "returned", "cancelled", "expired"])
def test_what_is_over_does_not_stall(status: str) -> None:
    verdict = _judge(5000, status=Status(status))
    assert (verdict.phase, verdict.next_at) == (None, None)


@pytest.mark.parametrize(
    ("learned", "hours", "rule"),
    [(90, 90, "learned"), (10, 60, "learned"), (900, 240, "learned"), (None, 120, "table")],
)
def test_a_lanes_history_decides_within_bounds(learned: float | None, hours: float, rule: str) -> None:
    assert _judge(hours - 1, learned=learned).phase != "stall"
    verdict = _judge(hours, learned=learned)
    assert (verdict.phase, verdict.rule, verdict.threshold_hours) == ("stall", rule, hours)


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"carrier": "sf"}, 24),
        ({"destination": "CN-*"}, 24),
        ({"origin": "CN-Hainan"}, 120),
        ({"carrier": "zto"}, 120),
        ({"service": "express"}, 120),
    ],
)
def test_an_override_is_taken_as_it_is(fields: dict[str, str], hours: float) -> None:
    policy = _policy(overrides=[fields | {"status": "in_transit", "threshold": {"stall": 24}}])
    verdict = _judge(hours, policy=policy, learned=None if hours == 120 else 500)
    assert (verdict.phase, verdict.threshold_hours) == ("stall", hours)


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        ("2026-03-08", "2026-03-08", 180),
        ("03-08", "03-08", 180),
        ("12-20", "03-05", 180),  # over new year
        ("2026-03-20", "2026-03-22", 120),  # begins after the end
        ("2026-03-01", "2026-03-04", 120),  # was over before
    ],
)
def test_a_peak_stretches_what_it_touches(first: str, last: str, hours: float) -> None:
    policy = _policy(peaks=[{"first": first, "last": last, "stretch": 1.5}])
    assert _judge(hours - 1, policy=policy).phase == "warn"
    assert _judge(hours, policy=policy).phase == "stall"


@pytest.mark.parametrize(("promised", "hours"), [(200, 120), (100, 100), (72, 72), (10, 72), (-50, 72)])
def test_a_promise_that_cannot_be_kept_shrinks_the_threshold(promised: float, hours: float) -> None:
    assert _judge(hours - 1, promised_at=_promise(promised)).phase != "stall"
    assert _judge(hours, promised_at=_promise(promised)).phase == "stall"


@pytest.mark.parametrize(
    ("days", "kind", "case"),
    [(-1, None, None), (1, "late", None), (2, "late_escalate", "late"), (7, "presumed_lost", "presumed_lost")],
)
def test_days_past_the_promise(days: float, kind: str | None, case: str | None) -> None:
    verdict = _judge(240, progress_at=_promise(239), promised_at=_promise(240 - 24 * days))
    assert (verdict.late_kind, verdict.late_case, verdict.late) == (kind, case, kind is not None)


def test_abroad_a_parcel_is_lost_later() -> None:
    verdict = _judge(240, progress_at=_promise(239), promised_at=_promise(240 - 24 * 8), cross_border=True)
    assert verdict.late_kind == "late_escalate"


def test_lateness_is_confirmed_too() -> None:
    assert not _judge(50, promised_at=_promise(49), heard_at=_promise(48)).confirmed
    assert _judge(50, promised_at=_promise(49), heard_at=_promise(49)).confirmed


def test_waiting_for_the_recipient_is_late_only_if_it_came_late() -> None:
    waiting = {"status": Status.AVAILABLE_FOR_PICKUP}
    assert not _judge(100, promised_at=_promise(50), **waiting).late
    assert _judge(100, promised_at=_promise(-1), **waiting).late
    assert _judge(500, promised_at=_promise(-1), **waiting).late_kind is None
    assert _judge(119, promised_at=_promise(1), **waiting).phase == "warn"


def test_delivered_in_time_or_not() -> None:
    delivered = {"status": Status.DELIVERED, "promised_at": NOON}
    assert not _judge(50, delivered_at=NOON, **delivered).late
    assert _judge(50, delivered_at=_promise(1), **delivered).late


@given(st.floats(0, 400), st.floats(0, 200), st.one_of(st.none(), st.floats(-100, 400)))
def test_without_a_scan_a_stall_does_not_go_away(hours: float, later: float, promised: float | None) -> None:
    fields = {"promised_at": None if promised is None else _promise(promised)}
    policy = _policy(peaks=[{"first": "2026-03-09", "last": "2026-03-10"}])
    rank = {None: 0, "warn": 1, "stall": 2}
    before, after = _judge(hours, policy=policy, **fields), _judge(hours + later, policy=policy, **fields)
    assert rank[before.phase] <= rank[after.phase]


@given(st.floats(0, 400), st.floats(-100, 400))
def test_the_next_look_is_ahead_and_finds_something_new(hours: float, promised: float) -> None:
    fields = {"promised_at": _promise(promised)}
    before = _judge(hours, **fields)
    if before.next_at is not None:
        reached = (before.next_at - NOON) / timedelta(hours=1)
        after = _judge(reached + 1e-6, **fields)
        assert reached > hours
        assert (after.phase, after.late_kind) != (before.phase, before.late_kind)
