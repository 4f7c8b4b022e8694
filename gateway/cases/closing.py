"""The end of a case: it went away, we mended it, or a person says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.cases.announce import announce
from gateway.domain import CaseState, DeedKind, DeedState
from gateway.runtime import Runtime
from gateway.store import cases, messages, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row

GATEWAY = "gateway"


async def clear_case(rt: Runtime, tx: Tx, case_id: str, cause: str, *, final: bool = False) -> bool:
    """The cause is gone: drop what has not been begun. False when the case was closed before.

    Where a failover of ours took the parcel away, the cause did not go away by itself: the playbook is carried on (the
    customer hears of the new carrier) and the case is resolved at its end, or now when the journey is `final`.
    """
    case = await cases.locked(tx, case_id)
    if case is None or case.state in cases.CLOSED:
        return False
    deeds = await outbox.of_case(tx, case_id)
    ours = any(_took_over(deed) for deed in deeds)
    if ours and not final and any(deed.state in outbox.LIVE for deed in deeds):
        await cases.change(tx, case_id, gone=cause)
        return True
    await close(rt, tx, case, CaseState.RESOLVED if ours else CaseState.CLEARED, who=GATEWAY, cause=cause)
    return True


def _took_over(deed: Row) -> bool:
    """The parcel was taken away from its carrier by this deed, or is with another one because of it."""
    ours = deed.progress.get("cancelled") or deed.progress.get("booked")
    return deed.kind == DeedKind.FAILOVER and deed.state in (*outbox.LIVE, DeedState.DONE) and bool(ours)


async def clear_each(
    rt: Runtime, tx: Tx, open_cases: Iterable[Row], cause: str, *, which: Callable[[Row], bool], final: bool = False
) -> None:
    """Clear those of a shipment's open cases that `which` picks."""
    for case in open_cases:
        if which(case):
            await clear_case(rt, tx, case.id, cause, final=final)


async def close(rt: Runtime, tx: Tx, case: Row, state: CaseState, *, who: str, cause: str) -> None:
    """Close a locked case. What was begun ends by itself; what was not is dropped, held messages too."""
    now = rt.clock()
    deeds = await outbox.of_case(tx, case.id)
    dropped = await outbox.drop(tx, [deed.id for deed in deeds], cause, now)
    await messages.drop_waiting(tx, dropped, cause, now)
    await cases.change(tx, case.id, state=state, closed_at=now, open_key=None, gone=None)
    await cases.event(tx, case.id, now, who, state, {"cause": cause, "dropped": dropped})
    data = {"case_id": case.id, "kind": case.kind, "state": state, "order_id": case.order_id, "cause": cause}
    subject = f"{case.id}:{now.isoformat()}"
    await announce(rt, tx, "case.resolved", subject, {**data, "shipment_id": case.shipment_id})
