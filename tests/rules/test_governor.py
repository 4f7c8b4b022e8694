"""The governor of messages, and the language chain."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Channel, MessageKind, Status, rank
from gateway.rules.governor import Counts, Decision, Plan, Reader, left_behind, plan, quiet_until
from gateway.rules.language import speak
from gateway.rules.policy import MessagePolicy, QuietHours

POLICY = MessagePolicy()
DAY = datetime(2026, 3, 5, 4, tzinfo=UTC)  # noon in Shanghai
NIGHT = datetime(2026, 3, 5, 15, tzinfo=UTC)  # eleven in the evening there
MORNING = datetime(2026, 3, 6, 0, tzinfo=UTC)  # eight o'clock there
ALL = {Channel.SMS: "+8613800000000", Channel.EMAIL: "a@example.com", Channel.WECHAT: "o1"}


def _plan(now: datetime = DAY, *, superseded: bool = False, counts: Counts | None = None, **fields: Any) -> Plan:
    reader = {"locale": "zh-CN", "addresses": ALL}
    reader |= {name: fields.pop(name) for name in tuple(fields) if name in Reader.__dataclass_fields__}
    decision = Decision(**({"template": "stall_sorry", "news_at": now} | fields))
    return plan(decision, Reader(**reader), POLICY, counts or Counts(), now, superseded=superseded)  # type: ignore[arg-type]


def test_the_chain_of_the_policy_over_what_we_know_of_the_reader() -> None:
    assert _plan().channels == (Channel.WECHAT, Channel.SMS, Channel.EMAIL)
    assert _plan(addresses={Channel.EMAIL: "a@example.com", Channel.SMS: ""}).channels == (Channel.EMAIL,)
    assert _plan(suppressed=frozenset({Channel.WECHAT})).channels == (Channel.SMS, Channel.EMAIL)
    assert _plan(channels=(Channel.EMAIL, Channel.SMS)).channels == (Channel.EMAIL, Channel.SMS)


@pytest.mark.parametrize(
    ("fields", "drop"),
    [
        ({"superseded": True}, "superseded"),
        ({"news_at": DAY - timedelta(hours=25)}, "stale"),
        ({"kind": MessageKind.PROMOTIONAL}, "no_consent"),
        ({"addresses": {}}, "no_address"),
        ({"channels": (Channel.SMS,), "suppressed": frozenset({Channel.SMS})}, "suppressed"),
        ({"counts": Counts(shipment=4)}, "shipment_cap"),
        ({"counts": Counts(address=dict.fromkeys(ALL, 6))}, "address_cap"),
    ],
)
def test_what_is_not_said(fields: dict[str, Any], drop: str) -> None:
    dropped = _plan(**fields)
    assert (dropped.drop, dropped.channels) == (drop, ())


def test_promotion_with_consent_and_caps_per_channel() -> None:
    assert _plan(kind=MessageKind.PROMOTIONAL, marketing=True).drop is None
    assert _plan(counts=Counts(address={Channel.WECHAT: 6})).channels == (Channel.SMS, Channel.EMAIL)


def test_quiet_hours_are_the_readers() -> None:
    assert _plan(NIGHT).hold_until == MORNING
    assert _plan(NIGHT, timezone="Europe/Paris").hold_until is None
    assert _plan(NIGHT, timezone="Mars/Olympus").hold_until == MORNING
    assert _plan(MORNING).hold_until is None


def test_what_is_urgent_wakes_but_promotion_never_does() -> None:
    assert _plan(NIGHT, urgent=True).hold_until is None
    assert _plan(NIGHT, urgent=True, kind=MessageKind.PROMOTIONAL, marketing=True).hold_until == MORNING


def test_operators_know_no_night_and_no_cap() -> None:
    room = {"channels": (Channel.OPS,), "addresses": {Channel.OPS: "room"}}
    counts = Counts(shipment=99, address={Channel.OPS: 99})
    said = _plan(NIGHT, counts=counts, **room)
    assert (said.channels, said.hold_until, said.drop) == ((Channel.OPS,), None, None)


@given(
    st.builds(QuietHours, first=st.times().map(lambda at: at.replace(tzinfo=None)), last=st.times()),
    st.integers(0, 366 * 86_400),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/Paris"]),
)
def test_quiet_hours_end_soon_and_outside_of_themselves(quiet: QuietHours, second: int, zone: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    until = quiet_until(quiet, ZoneInfo(zone), now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert until.astimezone(ZoneInfo(zone)).time() == quiet.last or zone != "Asia/Shanghai"
        assert quiet_until(quiet, ZoneInfo(zone), until) is None


@pytest.mark.parametrize(
    ("told", "kind", "current", "over"),
    [
        (Status.OUT_FOR_DELIVERY, "transactional", Status.OUT_FOR_DELIVERY, False),
        (Status.OUT_FOR_DELIVERY, "transactional", Status.DELIVERED, True),
        (Status.ATTEMPT_FAILED, "transactional", Status.OUT_FOR_DELIVERY, True),
        (None, "transactional", Status.IN_TRANSIT, False),
        (None, "transactional", Status.DELIVERED, True),
        (None, "transactional", Status.EXPIRED, False),
        (None, "promotional", Status.DELIVERED, False),
    ],
)
def test_what_the_shipment_has_left_behind(told: Status | None, kind: str, current: Status, over: bool) -> None:
    status_rank = None if told is None else rank(told)
    decision = Decision(template="x", kind=MessageKind(kind), news_at=DAY, status_rank=status_rank)
    assert left_behind(decision, current) is over


def test_no_quiet_hours() -> None:
    assert quiet_until(None, UTC, NIGHT) is None
    assert quiet_until(QuietHours(first=time(8), last=time(8)), UTC, NIGHT) is None


@pytest.mark.parametrize(
    ("wanted", "languages", "spoken"),
    [
        ("zh-CN", ("en", "zh-CN"), "zh-CN"),
        ("zh_cn", ("en", "zh-CN"), "zh-CN"),
        ("zh-HK", ("en", "zh-CN"), "zh-CN"),
        ("zh-HK", ("en", "zh-CN", "zh-TW"), "zh-TW"),
        ("zh-Hant-HK", ("zh-CN", "zh-Hant"), "zh-Hant"),
        ("zh-Hans-SG", ("zh-TW", "zh-CN"), "zh-CN"),
        ("en-GB", ("zh-CN", "en"), "en"),
        ("en", ("zh-CN", "en-US"), "en-US"),
        ("fr", ("zh-CN", "en"), "zh-CN"),
        ("", ("zh-CN", "en"), "zh-CN"),
    ],
)
def test_the_language_chain(wanted: str, languages: tuple[str, ...], spoken: str) -> None:
    assert speak(wanted, languages) == spoken


def test_we_must_speak_something() -> None:
    with pytest.raises(ValueError, match="language"):
        speak("en", ())
