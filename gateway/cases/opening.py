"""Opening a case: its row, its first lines, and its remedies as deeds, all in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.cases.announce import announce
from gateway.cases.keys import deed_key, open_key
from gateway.cases.standing import settle
from gateway.domain import CaseState
from gateway.rules.playbook import COSTS_MONEY, Planned, PlaybookContext, decide
from gateway.rules.policy.playbooks import Phase
from gateway.runtime import Runtime
from gateway.store import cases, outbox
from gateway.store.engine import Tx
from gateway.store.ids import new_id
from gateway.store.outbox import Deed

_WARNED, _ACTED = "warn", "stall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a case is about. phase: of a stall or None. evidence: JSON, why we say so. customer: who to write to when no
    shipment says it (api.md, POST /v1/exceptions)."""

    kind: str
    phase: Phase | None
    order_id: str
    shipment_id: str | None
    carrier: str | None
    cause: str
    evidence: dict[str, Any]
    severity: str | None
    context: PlaybookContext
    customer: dict[str, Any] | None = None

    @property
    def stage(self) -> str:
        return self.phase or _ACTED


async def open_case(
    rt: Runtime,
    tx: Tx,
    *,
    kind: str,
    phase: Phase | None = None,
    order_id: str,
    shipment_id: str | None,
    carrier: str | None,
    cause: str,
    evidence: dict[str, Any],
    severity: str | None = None,
    context: PlaybookContext,
    customer: dict[str, Any] | None = None,
    act: bool = True,
) -> str | None:
    """The id of a case that was opened, or that went from warn to stall; None when it is open already.

    A warning has severity low and nothing that costs money; the stall that follows runs the remedies of its own.
    Hold the shipment's lock when there is one. order_id: "carrier:<code>" for an incident, which has no order.
    act: False for what was learned by reading history again: nobody is told and nothing is paid, a person decides.
    """
    trouble = Trouble(
        kind=kind,
        phase=phase,
        order_id=order_id,
        shipment_id=shipment_id,
        carrier=carrier,
        cause=cause,
        evidence=evidence,
        severity=severity,
        context=context,
        customer=customer,
    )
    case_id = new_id("cs")
    if not await _add(rt, tx, case_id, trouble):
        return await _escalate(rt, tx, trouble)
    if act:
        await _write_remedies(rt, tx, case_id, trouble)
    return case_id


async def _add(rt: Runtime, tx: Tx, case_id: str, trouble: Trouble) -> bool:
    now = rt.clock()
    added = await cases.add(
        tx,
        id=case_id,
        kind=trouble.kind,
        open_key=open_key(trouble.kind, trouble.shipment_id, trouble.order_id),
        state=CaseState.OPEN,
        phase=trouble.stage,
        severity=_severity(rt, trouble),
        order_id=trouble.order_id,
        shipment_id=trouble.shipment_id,
        carrier=trouble.carrier,
        opened_at=now,
        cause=trouble.cause,
        evidence=trouble.evidence,
        **_duty(rt, trouble),
    )
    if added:
        said = {"cause": trouble.cause, "phase": trouble.stage, "evidence": trouble.evidence}
        await cases.event(tx, case_id, now, "gateway", "opened", said)
        data = {"case_id": case_id, "kind": trouble.kind, "phase": trouble.stage, "cause": trouble.cause}
        where = {"order_id": trouble.order_id, "shipment_id": trouble.shipment_id, "carrier": trouble.carrier}
        await announce(rt, tx, "case.opened", case_id, {**data, **where})
    return added


async def _escalate(rt: Runtime, tx: Tx, trouble: Trouble) -> str | None:
    """A warning that became a stall."""
    case = await cases.open_under(tx, open_key(trouble.kind, trouble.shipment_id, trouble.order_id))
    if case is None or case.phase != _WARNED or trouble.stage == _WARNED:
        return None
    case_id: str = case.id
    said = {"cause": trouble.cause, "phase": trouble.stage, "evidence": trouble.evidence}
    changed = {**said, "severity": _severity(rt, trouble)}
    if case.owner is None:
        changed |= _duty(rt, trouble)
    await cases.change(tx, case_id, **changed)
    await cases.event(tx, case_id, rt.clock(), "gateway", "escalated", said)
    await _write_remedies(rt, tx, case_id, trouble)
    return case_id


def _severity(rt: Runtime, trouble: Trouble) -> str:
    return "low" if trouble.stage == _WARNED else trouble.severity or rt.policies.playbooks.of(trouble.kind).severity


def _duty(rt: Runtime, trouble: Trouble) -> dict[str, Any]:
    """Owner and deadline, as the playbook says."""
    playbook = rt.policies.playbooks.of(trouble.kind)
    within = playbook.within_hours
    due_at = None if within is None or trouble.stage == _WARNED else rt.clock() + timedelta(hours=within)
    return {"owner": playbook.owner, "due_at": due_at}


async def _write_remedies(rt: Runtime, tx: Tx, case_id: str, trouble: Trouble) -> None:
    ids: dict[int, str] = {}
    for planned in decide(trouble.kind, trouble.phase, rt.policies.playbooks, trouble.context):
        if trouble.stage == _WARNED and planned.plan.do in COSTS_MONEY:
            continue
        deed = _deed(rt, case_id, trouble, planned, ids)
        added = await outbox.add(tx, deed, rt.clock())
        if added:
            ids[planned.ordinal] = added
    await settle(rt, tx, case_id)
    tx.after_commit(lambda: rt.signals.wake("outbox"))


def _deed(rt: Runtime, case_id: str, trouble: Trouble, planned: Planned, ids: dict[int, str]) -> Deed:
    """payload: plan, the kind of case, its phase, the policy versions in force, and the customer when told."""
    plan = planned.plan.model_dump(mode="json")
    after = ids.get(planned.after) if planned.after is not None else None
    not_before = rt.clock() + planned.delay
    waits = after is not None or planned.hold == "approval"
    payload = {"plan": plan, "kind": trouble.kind, "phase": trouble.stage, "versions": dict(rt.policies.versions)}
    if planned.delay:
        payload["not_before"] = not_before.isoformat()
    if trouble.customer:
        payload["customer"] = trouble.customer
    return Deed(
        kind=planned.plan.do,
        key=deed_key(case_id, planned.ordinal, planned.plan.do),
        payload=payload,
        due_at=None if waits else not_before,
        case_id=case_id,
        shipment_id=trouble.shipment_id,
        ordinal=planned.ordinal,
        after=after,
        reason=planned.hold,
    )
