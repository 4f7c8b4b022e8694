"""playbooks.yaml: which remedies for which kind of case."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gateway.domain import Channel, DeedKind, Fault, MessageKind
from gateway.rules.policy.document import Document, Hours

Phase = Literal["warn", "stall"]


class RemedyPlan(Document):
    """One remedy. `do` names the kind; the other fields belong to it.

    when: of all, before_handover | after_handover | any (default): whether the carrier has the parcel.
    coupon, points, refund_request: tier, a name in compensation.yaml.
    message: template, to = customer | operators, send = chain | all, channels (default: the policy's chain), category.
    assign: owner, within_hours. ask: question (a template name), within_hours.
    delay_hours: not before so long after the case opened. phases: of a stall, warn or stall (default: stall only).
    faults, countries: only for cases of these fault families, for parcels to these countries; empty: for all.
    needs: of a message that waits for the remedy before it: done (it tells of it, so nothing is said without it),
    or ended, however it ended (default).
    """

    do: DeedKind
    when: Literal["any", "before_handover", "after_handover"] = "any"
    tier: str | None = None
    template: str | None = None
    to: Literal["customer", "operators"] = "customer"
    send: Literal["chain", "all"] = "chain"
    channels: tuple[Channel, ...] = ()
    category: MessageKind = MessageKind.TRANSACTIONAL
    owner: str | None = None
    within_hours: Hours | None = None
    question: str | None = None
    delay_hours: float = Field(default=0, ge=0, le=50_000)
    phases: tuple[Phase, ...] = ("stall",)
    faults: tuple[Fault, ...] = ()
    countries: tuple[str, ...] = ()
    needs: Literal["ended", "done"] = "ended"

    @model_validator(mode="after")
    def _complete(self) -> RemedyPlan:
        needed = {
            DeedKind.COUPON: "tier",
            DeedKind.POINTS: "tier",
            DeedKind.REFUND_REQUEST: "tier",
            DeedKind.MESSAGE: "template",
            DeedKind.ASSIGN: "owner",
            DeedKind.ASK: "question",
        }.get(self.do)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"{self.do} needs {needed}")
        return self


class Playbook(Document):
    """severity orders the queue; approval: every remedy that costs money waits for a person."""

    severity: Literal["low", "normal", "high", "critical"] = "normal"
    approval: bool = False
    owner: str | None = None
    within_hours: Hours | None = None
    remedies: tuple[RemedyPlan, ...] = ()


class Playbooks(Document):
    """kind of case -> playbook. `default` serves kinds without one of their own."""

    playbooks: dict[str, Playbook]

    @model_validator(mode="after")
    def _default(self) -> Playbooks:
        if "default" not in self.playbooks:
            raise ValueError("a playbook named default is needed")
        return self

    def of(self, kind: str) -> Playbook:
        return self.playbooks.get(kind, self.playbooks["default"])
