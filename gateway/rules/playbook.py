"""Which remedies a case gets: a decision, carried out by others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from gateway.domain import DeedKind, Fault
from gateway.rules.policy import Playbook, Playbooks, RemedyPlan
from gateway.rules.policy.playbooks import Phase

Hold = Literal["unknown_scan", "inferred_final", "carrier_unheard", "approval"]

#: What costs money: it waits while we are not sure of the facts, or for a person.
COSTS_MONEY = frozenset({DeedKind.FAILOVER, DeedKind.COUPON, DeedKind.POINTS, DeedKind.REFUND_REQUEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookContext:
    """What is known of the shipment when the case opens. moved: the carrier has it. country: of the destination.

    newest_unknown, inferred: as folded. blind: the carrier is unheard. fault: whose fault the case is; None: not known.
    """

    moved: bool = False
    newest_unknown: bool = False
    inferred: bool = False
    blind: bool = False
    fault: Fault | None = None
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One remedy to carry out. ordinal: its place in the playbook. after: ordinal of the deed that must end first.

    hold: why it waits for a person or for facts; None: go ahead. delay: not before so long after the case opened.
    """

    ordinal: int
    plan: RemedyPlan
    after: int | None = None
    hold: Hold | None = None
    delay: timedelta = timedelta()


def decide(kind: str, phase: Phase | None, playbooks: Playbooks, context: PlaybookContext) -> list[Planned]:
    """The remedies that apply, in the playbook's order. phase: of a stall; None for other kinds, which have none.

    A message to the customer waits for the failover, coupon, points or refund request before it: it tells of it.
    """
    playbook = playbooks.of(kind)
    planned: list[Planned] = []
    for ordinal, plan in enumerate(playbook.remedies):
        if _applies(plan, phase, context):
            hold = _hold(plan, playbook, context)
            delay = timedelta(hours=plan.delay_hours)
            planned.append(Planned(ordinal=ordinal, plan=plan, after=_after(plan, planned), hold=hold, delay=delay))
    return planned


def _applies(plan: RemedyPlan, phase: Phase | None, context: PlaybookContext) -> bool:
    place = "after_handover" if context.moved else "before_handover"
    return (
        (phase is None or phase in plan.phases)
        and plan.when in ("any", place)
        and (not plan.faults or context.fault in plan.faults)
        and (not plan.countries or context.country in plan.countries)
    )


def _hold(plan: RemedyPlan, playbook: Playbook, context: PlaybookContext) -> Hold | None:
    reasons: tuple[tuple[bool, Hold], ...] = (
        (context.newest_unknown, "unknown_scan"),
        (context.inferred, "inferred_final"),
        (context.blind, "carrier_unheard"),
        (playbook.approval, "approval"),
    )
    if plan.do not in COSTS_MONEY:
        return None
    return next((hold for holds, hold in reasons if holds), None)


def _after(plan: RemedyPlan, before: list[Planned]) -> int | None:
    if plan.do is not DeedKind.MESSAGE or plan.to != "customer":
        return None
    return next((one.ordinal for one in reversed(before) if one.plan.do in COSTS_MONEY), None)
