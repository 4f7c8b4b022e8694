"""Carrying out how a deed ended: the outbox, the case's timeline and state, and whoever must be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.cases.standing import settle
from gateway.domain import DeedKind, DeedState
from gateway.outcome import Again, Dead, Done, Drop, End, No
from gateway.rules.policy import RemedyPlan
from gateway.runtime import Runtime
from gateway.store import cases, delivery, outbox
from gateway.store.engine import Tx
from gateway.store.outbox import Deed
from gateway.store.rows import Row

#: What operators read about a remedy that did not work (config/messages).
_TOLD_BY = "ops_case"


async def carry_out(rt: Runtime, ends: Sequence[tuple[Row, End]]) -> list[bool]:
    """The ends of deeds, in one transaction: which of them were still ours. Cases are locked in the order of their
    ids, and before deeds."""
    async with rt.store.write() as tx:
        for case_id in _cases(ends):
            await cases.locked(tx, case_id)
        held = await delivery.hold(tx, [deed for deed, _ in ends])
        ours = [(deed, end) for deed, end in ends if deed.id in held]
        await delivery.end_many(tx, [_written(deed, end) for deed, end in ours], rt.clock())
        for deed, end in ours:
            if deed.case_id is not None:
                await _note(rt, tx, deed, end)
        for case_id in _cases(ours):
            await settle(rt, tx, case_id)
        tx.after_commit(lambda: rt.signals.wake("outbox"))
    return [deed.id in held for deed, _ in ends]


def _cases(ends: Sequence[tuple[Row, End]]) -> list[str]:
    return sorted({deed.case_id for deed, _ in ends if deed.case_id is not None})


def _written(deed: Row, end: End) -> delivery.End:
    match end:
        case Again(due_at=due_at, reason=reason, free=free):
            tries = max(deed.attempts - 1, 0) if free else deed.attempts
            waits = delivery.End(deed, DeedState.PENDING, over=False, due_at=due_at, reason=reason)
            return waits._replace(attempts=tries)
        case Done(result=result, kept=kept):
            over = delivery.End(deed, DeedState.DONE, result=result, kept=kept)
        case No(reason=reason, result=result):
            over = delivery.End(deed, DeedState.REFUSED, reason=reason, result=result)
        case Drop(reason=reason):
            over = delivery.End(deed, DeedState.DROPPED, reason=reason)
        case Dead(reason=reason):
            over = delivery.End(deed, DeedState.DEAD, reason=reason)
    return over._replace(attempts=deed.attempts)


async def _note(rt: Runtime, tx: Tx, deed: Row, end: End) -> None:
    """The line of the timeline; a hold that costs nothing is none. A no, and a death, is told to the operators."""
    if isinstance(end, Again) and end.free and end.due_at is not None:
        return
    what, detail = _line(end)
    await cases.event(tx, deed.case_id, rt.clock(), "gateway", f"{deed.kind}.{what}", {"remedy": deed.id, **detail})
    if isinstance(end, No | Dead):
        await _tell(rt, tx, deed, end.reason)


def _line(end: End) -> tuple[str, dict[str, Any]]:
    match end:
        case Done(result=result):
            return DeedState.DONE, {"result": result} if result else {}
        case Again(due_at=due_at, reason=reason):
            if due_at is None:
                return "waiting", {"reason": reason}
            return "again", {"reason": reason, "due_at": due_at.isoformat()}
        case No(reason=reason):
            return DeedState.REFUSED, {"reason": reason}
        case Drop(reason=reason):
            return DeedState.DROPPED, {"reason": reason}
        case Dead(reason=reason):
            return DeedState.DEAD, {"reason": reason}


async def _tell(rt: Runtime, tx: Tx, deed: Row, reason: str) -> None:
    """Once per remedy and try of it. A message that fails has its receipts and the case: no message about messages."""
    if deed.kind == DeedKind.MESSAGE:
        return
    cause = f"{deed.kind}: {reason}"
    await tell_operators(rt, tx, deed, cause=cause, key=f"{deed.id}:{deed.fence}:told")


async def tell_operators(rt: Runtime, tx: Tx, deed: Row, *, cause: str, key: str, template: str = _TOLD_BY) -> None:
    """A message to the operators about a remedy, written as a deed of its case, sent even when the case is closed."""
    plan = RemedyPlan(do=DeedKind.MESSAGE, template=template, to="operators")
    payload = {"plan": plan.model_dump(mode="json"), "kind": deed.payload.get("kind"), "cause": cause, "anyway": True}
    told = Deed(
        kind=DeedKind.MESSAGE,
        key=key,
        payload=payload,
        due_at=rt.clock(),
        case_id=deed.case_id,
        shipment_id=deed.shipment_id,
        ordinal=deed.ordinal,
    )
    await outbox.add(tx, told, rt.clock())
