"""When we ask again, try again, give up, and what is news."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Reason, Status
from gateway.rules.fold import LegFacts, ShipmentState, fold_scans, fold_shipment
from gateway.rules.news import news
from gateway.rules.policy import MessagePolicy, PollPace
from gateway.rules.retry import DEEDS, WEBHOOKS, Backoff, next_try
from gateway.rules.schedule import expired, next_poll
from tests.rules.scans import NOON, scan

EVEN = PollPace(jitter=0)


def _next(pace: PollPace = EVEN, **fields: Any) -> float | None:
    """Hours until the next question."""
    given_: dict[str, Any] = {"status": Status.IN_TRANSIT, "progress_at": NOON, "promised_at": None, "pushed": False}
    given_ |= {"failures": 0, "retry_after": None, "min_interval": 0, "now": NOON, "pace": pace}
    at = next_poll(**(given_ | fields))
    return None if at is None else (at - NOON) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({}, 4),
        ({"status": Status.OUT_FOR_DELIVERY}, 2),
        ({"promised_at": NOON + timedelta(hours=20)}, 2),
        ({"promised_at": NOON - timedelta(hours=20)}, 2),
        ({"promised_at": NOON + timedelta(days=3)}, 4),
        ({"progress_at": NOON - timedelta(days=11)}, 12),
        ({"pushed": True}, 24),
        ({"pushed": True, "progress_at": NOON - timedelta(days=11)}, 24),
        ({"min_interval": 6 * 3600}, 6),
        ({"retry_after": 5 * 3600}, 5),
        ({"failures": 1}, 2 / 60),
        ({"failures": 3}, 8 / 60),
        ({"failures": 500}, 4),
        ({"failures": 1, "retry_after": 3600}, 1),
        ({"failures": 1, "min_interval": 1800}, 0.5),
        ({"status": Status.DELIVERED}, 24),
        ({"status": Status.DELIVERED, "since": NOON - timedelta(hours=30)}, 42),
        ({"status": Status.DELIVERED, "since": NOON - timedelta(hours=72)}, None),
        ({"status": Status.EXPIRED, "progress_at": None}, None),
    ],
)
def test_the_next_question(fields: dict[str, Any], hours: float | None) -> None:
    assert _next(**fields) == (None if hours is None else pytest.approx(hours))


@given(
    st.sampled_from(Status),
    st.integers(0, 50),
    st.one_of(st.none(), st.floats(0, 10**5)),
    st.floats(0, 10**5),
    st.booleans(),
    st.text(max_size=3),
)
def test_questions_keep_their_distance(
    status: Status, failures: int, retry_after: float | None, least: float, pushed: bool, key: str
) -> None:
    fields = {"status": status, "failures": failures, "retry_after": retry_after, "min_interval": least}
    hours = _next(PollPace(), **fields, pushed=pushed, key=key)
    assert hours == _next(PollPace(), **fields, pushed=pushed, key=key)
    if hours is not None:
        assert hours * 3600 >= max(least, retry_after or 0) - 1e-3
        assert hours > 0


def test_legs_spread_out() -> None:
    assert len({_next(PollPace(), key=f"leg{number}") for number in range(50)}) > 40


@pytest.mark.parametrize(
    ("opened", "contact", "status", "over"),
    [
        (29, None, "pre_transit", False),
        (30, None, "pre_transit", True),
        (90, 59, "in_transit", False),
        (90, 60, "in_transit", True),
        (1, 90, "in_transit", False),  # registered yesterday with an old history
        (90, 90, "delivered", False),
    ],
)
def test_giving_up(opened: int, contact: int | None, status: str, over: bool) -> None:
    contact_at = None if contact is None else NOON - timedelta(days=contact)
    assert expired(Status(status), NOON - timedelta(days=opened), contact_at, NOON, EVEN) is over


def _wait(attempt: int, retry_after: float | None = None, backoff: Backoff = DEEDS) -> float | None:
    at = next_try(attempt, retry_after, "deed", NOON, backoff)
    return None if at is None else (at - NOON).total_seconds()


def test_a_deed_is_tried_until_it_is_dead() -> None:
    waits = [_wait(attempt) for attempt in range(1, DEEDS.tries)]
    assert all(wait is not None for wait in waits)
    assert 12 <= (waits[0] or 0) <= 18
    assert _wait(DEEDS.tries) is None
    assert _wait(1) == _wait(1)
    assert _wait(1, 600) == 600
    assert (_wait(14, 1) or 0) > 3600


def test_webhooks_are_tried_ten_times_over_three_days() -> None:
    total = sum(_wait(attempt, None, WEBHOOKS) or 0 for attempt in range(1, 10))
    assert _wait(10, None, WEBHOOKS) is None
    assert 2.4 * 86_400 < total < 3.7 * 86_400


NEWS = MessagePolicy.model_validate(
    {
        "news": {
            "out_for_delivery": {"template": "out_for_delivery"},
            "exception": {"template": "delay_notice", "reasons": ["weather", "other"]},
        }
    }
)


def _state(*scans: Any) -> ShipmentState:
    return fold_shipment([LegFacts(ordinal=1, carrier="sf", state=fold_scans(scans))])


def _told(before: str | None, now: datetime, *scans: Any, told: tuple[Status, ...] = ()) -> str | None:
    found = news(Status(before) if before else None, _state(*scans), NEWS, now, told)
    return found and found.template


def test_what_is_news() -> None:
    out = scan("out_for_delivery", 1)
    soon, later = NOON + timedelta(hours=2), NOON + timedelta(hours=26)
    assert _told("in_transit", soon, out) == "out_for_delivery"
    assert _told(None, soon, scan("picked_up"), out) == "out_for_delivery"
    assert _told("out_for_delivery", soon, out) is None
    assert _told("attempt_failed", soon, out, told=(Status.OUT_FOR_DELIVERY,)) is None
    assert _told("in_transit", later, out) is None
    assert _told("picked_up", soon, scan("in_transit", 1)) is None
    assert _told(None, soon) is None


@pytest.mark.parametrize(("own", "hours", "told"), [(8, 8, True), (8, 9, False), (None, 9, True), (48, 26, False)])
def test_what_is_soon_no_longer_true_is_stale_sooner(own: float | None, hours: int, told: bool) -> None:
    entry = {"template": "out", "stale_after_hours": own}
    policy = MessagePolicy.model_validate({"news": {"out_for_delivery": entry}})
    state = _state(scan("out_for_delivery", 0))
    assert (news(Status.IN_TRANSIT, state, policy, NOON + timedelta(hours=hours)) is not None) == told


@pytest.mark.parametrize(
    ("reason", "template"), [(None, "delay_notice"), (Reason.WEATHER, "delay_notice"), (Reason.LOST, None)]
)
def test_an_exception_is_news_for_its_reasons(reason: Reason | None, template: str | None) -> None:
    assert _told("in_transit", NOON, scan("exception", reason=reason)) == template
