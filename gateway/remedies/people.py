"""Remedies that are people: an owner with a deadline, a question with a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.outcome import Again, Done, Drop, End
from gateway.remedies.ending import tell_operators
from gateway.remedies.ground import answer
from gateway.rules.policy import RemedyPlan
from gateway.runtime import Runtime
from gateway.store import cases, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row

_QUESTION = "question"


async def assign(rt: Runtime, deed: Row) -> End:
    """The doer of "assign". An owner whom a person named stays."""
    plan = RemedyPlan.model_validate(deed.payload["plan"])
    async with rt.store.write() as tx:
        case = await _locked(rt, tx, deed)
        if case is None:
            return Drop(reason="the case is closed")
        if case.owner not in (None, plan.owner, rt.policies.playbooks.of(case.kind).owner):
            return Done(result={"owner": case.owner, "kept": True})
        due_at = _deadline(deed, plan) or case.due_at
        await cases.change(tx, case.id, owner=plan.owner, due_at=due_at)
    return Done(result={"owner": plan.owner, "due_at": due_at.isoformat() if due_at else None})


async def ask(rt: Runtime, deed: Row) -> End:
    """The doer of "ask": tells the operators once, then waits for approve or reject; either answer ends it well."""
    plan = RemedyPlan.model_validate(deed.payload["plan"])
    question = f"{_QUESTION}: {deed.payload.get('step') or plan.question}"
    async with rt.store.write() as tx:
        case = await _locked(rt, tx, deed)
        if case is None:
            return Drop(reason="the case is closed")
        given = answer(deed, _QUESTION)
        if given is not None:
            return Done(result=given)
        due_at = _deadline(deed, plan)
        if due_at is not None:
            await cases.change(tx, case.id, due_at=due_at)
        template = plan.question or ""
        await tell_operators(rt, tx, deed, cause=question, key=f"{deed.id}:asked", template=template)
    return Again(due_at=None, reason=question, free=True)


async def _locked(rt: Runtime, tx: Tx, deed: Row) -> Row | None:
    """The open case, with the deed proved to be ours; None when it is closed. Raise LeaseLost."""
    case = await cases.locked(tx, deed.case_id)
    await outbox.note(tx, deed, deed.progress, until=rt.clock() + rt.lease)
    return None if case is None or case.state in cases.CLOSED else case


def _deadline(deed: Row, plan: RemedyPlan) -> datetime | None:
    """From when the deed was decided: doing it again gives the same."""
    decided: datetime = deed.created_at
    return None if plan.within_hours is None else decided + timedelta(hours=plan.within_hours)
