"""The policy documents that come with the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from gateway.domain import Reason, Status
from gateway.rules.choose import ring
from gateway.rules.policy import Compensation, MessagePolicy, Peak, Playbooks, PollPace, Retention, Routes, Stalls
from gateway.rules.stall import case_kinds, exception_kind

CONFIG = Path(__file__).parents[2] / "config"


def _read(name: str) -> Any:
    return yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("status", "domestic", "cross_border"),
    [
        ("pre_transit", (48, 72), (48, 72)),
        ("picked_up", (48, 72), (96, 168)),
        ("in_transit", (72, 120), (168, 240)),
        ("customs", (120, 240), (120, 240)),
        ("out_for_delivery", (24, 48), (24, 48)),
        ("attempt_failed", (None, 48), (None, 48)),
        ("available_for_pickup", (72, 120), (72, 120)),
        ("returning", (None, 240), (None, 240)),
    ],
)
def test_thresholds(status: str, domestic: tuple[Any, Any], cross_border: tuple[Any, Any]) -> None:
    pace = Stalls.model_validate(_read("stalls")).thresholds[Status(status)]
    abroad = pace.cross_border or pace.domestic
    assert (pace.domestic.warn, pace.domestic.stall) == domestic
    assert (abroad.warn, abroad.stall) == cross_border


def test_every_kind_of_case_has_a_playbook_and_no_playbook_is_for_nothing() -> None:
    playbooks = Playbooks.model_validate(_read("playbooks")).playbooks
    assert set(playbooks) == {*case_kinds(), "default"}


def test_playbooks_name_tiers_of_their_kind_and_templates_that_are_listed() -> None:
    tiers = Compensation.model_validate(_read("compensation")).tiers
    text = (CONFIG / "playbooks.yaml").read_text(encoding="utf-8")
    listed = text.partition("playbooks:\n")[0]
    for playbook in Playbooks.model_validate(_read("playbooks")).playbooks.values():
        for plan in playbook.remedies:
            assert plan.tier is None or tiers[plan.tier].kind == plan.do
            assert all(name in listed for name in (plan.template, plan.question) if name)


def test_news_pace_and_routes() -> None:
    news = MessagePolicy.model_validate(_read("messages")).news
    assert set(news) == {
        "picked_up",
        "out_for_delivery",
        "available_for_pickup",
        "delivered",
        "attempt_failed",
        "exception",
    }
    assert PollPace.model_validate(_read("polling")) == PollPace()
    assert Retention.model_validate(_read("retention")) == Retention()
    assert ring(Routes.model_validate(_read("routes"))) is None


def test_kinds_are_distinct_and_an_exception_without_reason_is_other() -> None:
    kinds = case_kinds()
    assert len(kinds) == len(set(kinds))
    assert {exception_kind(reason) for reason in Reason} <= set(kinds)
    assert exception_kind(None) == "exception_other"


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-01", "11-20"), ("02-30", "03-01"), ("2026-11-20", "2026-11-01"), ("november", "12-01")],
)
def test_a_peak_that_cannot_be_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValidationError):
        Peak.model_validate({"first": first, "last": last})
