"""What an operator may write: nothing that breaks later, and nothing that is read as something else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Routes, Stalls
from gateway.rules.policy.document import Document

ROUTE = "routes: [{{id: a, when: {{carrier: sf}}, backups: [{{carrier: zto, before: {}}}]}}]"
BOOK = "playbooks: {{default: {{remedies: [{{do: assign, owner: care, {}}}]}}}}"
PACE = "thresholds: {{in_transit: {{domestic: {}}}}}"


def problem(model: type[Document], text: str) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(yaml.safe_load(text))
    (error,) = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["msg"]


@pytest.mark.parametrize(
    ("model", "text", "field"),
    [
        (Routes, ROUTE.format("18:00"), "routes.0.backups.0.before"),  # YAML: 1080
        (Routes, ROUTE.format('"18:00+02:00"'), "routes.0.backups.0.before"),
        (MessagePolicy, "quiet_hours: {first: 22:00}", "quiet_hours.first"),
        (MessagePolicy, 'quiet_hours: {last: "08:00Z"}', "quiet_hours.last"),
        (MessagePolicy, "timezone: Asia/Shangha", "timezone"),
        (MessagePolicy, "timezone: ../../etc/passwd", "timezone"),
        (MessagePolicy, "languages: []", "languages"),
        (MessagePolicy, "link_days: 100000000", "link_days"),
        (MessagePolicy, "stale_after_hours: .inf", "stale_after_hours"),
        (Stalls, PACE.format("{stall: .inf}"), "thresholds.in_transit.domestic.stall"),
        (Stalls, PACE.format("{stall: .nan}"), "thresholds.in_transit.domestic.stall"),
        (Stalls, PACE.format("{warn: 1.0e+12}"), "thresholds.in_transit.domestic.warn"),
        (Stalls, "thresholds: {}\npromise: {lost_domestic: 1.0e+9}", "promise.lost_domestic"),
        (Playbooks, BOOK.format("within_hours: 1.0e+12"), "playbooks.default.remedies.0.within_hours"),
        (Playbooks, BOOK.format("delay_hours: 1.0e+12"), "playbooks.default.remedies.0.delay_hours"),
        (Compensation, "tiers: {}\nbudgets: [{currency: CNY, per_month: 1}, {currency: CNY, per_month: 2}]", ""),
    ],
)
def test_what_would_break_later_is_refused_by_name(model: type[Document], text: str, field: str) -> None:
    assert problem(model, text)[0] == field


def test_a_time_of_day_without_quotes_is_explained() -> None:
    assert 'a text like "18:00"' in problem(Routes, ROUTE.format("18:00"))[1]


@pytest.mark.parametrize("written", ['"18:00"', '"18:00:30"'])
def test_a_time_of_day(written: str) -> None:
    routes = Routes.model_validate(yaml.safe_load(ROUTE.format(written)))
    again: Any = Routes.model_validate(routes.model_dump(mode="json"))
    assert again == routes
