"""What policy documents must agree on with each other: (path in the document, reason) of whatever cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain import DeedKind
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks
from gateway.rules.stall import case_kinds

Where = tuple[str | int, ...]
_MONEY = frozenset({DeedKind.COUPON, DeedKind.POINTS, DeedKind.REFUND_REQUEST})


def playbook_problems(playbooks: Playbooks, compensation: Compensation | None) -> Iterator[tuple[Where, str]]:
    """Kinds of case that nothing opens, and money that no tier grants. compensation None: not known, not judged."""
    known = {*case_kinds(), "default"}
    for kind, playbook in playbooks.playbooks.items():
        if kind not in known:
            yield ("playbooks", kind), f"no such kind of case: one of {', '.join(sorted(known))}"
        for number, plan in enumerate(playbook.remedies):
            if plan.do not in _MONEY or compensation is None:
                continue
            where = ("playbooks", kind, "remedies", number, "tier")
            tier = compensation.tiers.get(plan.tier or "")
            if tier is None:
                yield where, f"compensation.yaml has no tier {plan.tier}"
            elif tier.kind != plan.do:
                yield where, f"{plan.tier} is a {tier.kind}, not a {plan.do}"


def templates(playbooks: Playbooks, messages: MessagePolicy) -> Iterator[tuple[Where, str]]:
    """Every template that is sent, with the place that names it."""
    for kind, playbook in playbooks.playbooks.items():
        for number, plan in enumerate(playbook.remedies):
            for field in ("template", "question"):
                if (name := getattr(plan, field)) is not None:
                    yield ("playbooks", kind, "remedies", number, field), name
    for status, news in messages.news.items():
        yield ("news", status.value, "template"), news.template
