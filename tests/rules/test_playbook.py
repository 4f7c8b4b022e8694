"""Which remedies a case gets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import Fault
from gateway.rules.playbook import Planned, PlaybookContext, decide
from gateway.rules.policy import Playbooks

FAILOVER = {"do": "failover", "when": "before_handover"}
INTERCEPT = {"do": "failover", "when": "after_handover"}
COUPON = {"do": "coupon", "tier": "small"}
SORRY = {"do": "message", "template": "stall_sorry"}
OPS = {"do": "message", "template": "ops_case", "to": "operators"}
ASSIGN = {"do": "assign", "owner": "care"}


def _decide(*remedies: dict[str, Any], phase: Any = "stall", approval: bool = False, **context: Any) -> list[Planned]:
    kind = {"remedies": list(remedies), "approval": approval}
    playbooks = Playbooks.model_validate({"playbooks": {"stall_in_transit": kind, "default": {"remedies": [ASSIGN]}}})
    return decide("stall_in_transit", phase, playbooks, PlaybookContext(**context))


def test_physics_decides_between_the_kinds_of_failover() -> None:
    assert [one.ordinal for one in _decide(FAILOVER, INTERCEPT, ASSIGN)] == [0, 2]
    assert [one.ordinal for one in _decide(FAILOVER, INTERCEPT, ASSIGN, moved=True)] == [1, 2]


def test_a_message_waits_for_what_it_tells_of() -> None:
    planned = _decide(SORRY, COUPON, SORRY, OPS, ASSIGN)
    assert [one.after for one in planned] == [None, None, 1, None, None]


def test_a_message_does_not_wait_for_what_does_not_apply() -> None:
    assert [one.after for one in _decide(FAILOVER, SORRY, moved=True)] == [None]


@pytest.mark.parametrize(
    ("context", "hold"),
    [
        ({}, None),
        ({"newest_unknown": True, "inferred": True}, "unknown_scan"),
        ({"inferred": True}, "inferred_final"),
        ({"blind": True}, "carrier_unheard"),
        ({"approval": True}, "approval"),
    ],
)
def test_only_what_costs_money_is_held(context: dict[str, Any], hold: str | None) -> None:
    points = {"do": "points", "tier": "small"}
    refund = {"do": "refund_request", "tier": "small"}
    planned = _decide(FAILOVER, COUPON, points, refund, SORRY, ASSIGN, **context)
    assert [one.hold for one in planned] == [hold, hold, hold, hold, None, None]


def test_phases() -> None:
    remind = {**SORRY, "phases": ["warn"]}
    both = {**ASSIGN, "phases": ["warn", "stall"]}
    assert [one.ordinal for one in _decide(SORRY, remind, both, phase="warn")] == [1, 2]
    assert [one.ordinal for one in _decide(SORRY, remind, both, phase="stall")] == [0, 2]
    assert [one.ordinal for one in _decide(SORRY, remind, both, phase=None)] == [0, 1, 2]


def test_conditions_and_delay() -> None:
    theirs = {**COUPON, "faults": ["carrier"], "countries": ["CN"], "delay_hours": 2}
    assert not _decide(theirs)
    (only,) = _decide(theirs, fault=Fault.CARRIER, country="CN")
    assert only.delay == timedelta(hours=2)


def test_a_kind_without_a_playbook_gets_the_default() -> None:
    playbooks = Playbooks.model_validate({"playbooks": {"default": {"remedies": [ASSIGN]}}})
    assert [one.plan.owner for one in decide("complaint", None, playbooks, PlaybookContext())] == ["care"]
