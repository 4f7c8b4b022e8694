"""The state of a case that is not closed: read off its deeds."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cases.closing import GATEWAY, close
from gateway.domain import CaseState, DeedState
from gateway.runtime import Runtime
from gateway.store import cases, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row

#: Held until the facts are clear, or until a person says that they are clear enough. Looked at again by the clock.
DOUBTS = frozenset({"unknown_scan", "inferred_final"})
_BADLY = (DeedState.REFUSED, DeedState.DEAD)


def waits_for_person(deed: Row) -> bool:
    """Pending, and neither time nor another deed will set it off: somebody must answer (or a doubt must go away)."""
    idle = deed.due_at is None and (deed.after is None or deed.reason is not None)
    return deed.state == DeedState.PENDING and (idle or deed.reason in DOUBTS)


def standing(deeds: Sequence[Row]) -> CaseState:
    """Waiting while a person must answer, acting while anything is under way, open when nobody does anything."""
    live = [deed for deed in deeds if deed.state in outbox.LIVE]
    if any(waits_for_person(deed) for deed in live):
        return CaseState.WAITING
    return CaseState.ACTING if live else CaseState.OPEN


async def settle(rt: Runtime, tx: Tx, case_id: str) -> None:
    """Write the state that the deeds of a case give it; a closed one stays closed.

    One whose cause is gone is resolved as soon as all its remedies have ended well.
    """
    case = await cases.locked(tx, case_id)
    if case is None or case.state in cases.CLOSED:
        return
    deeds = await outbox.of_case(tx, case_id)
    state = standing(deeds)
    if case.gone is not None and state is CaseState.OPEN and not any(deed.state in _BADLY for deed in deeds):
        await close(rt, tx, case, CaseState.RESOLVED, who=GATEWAY, cause=case.gone)
    elif state != case.state:
        await cases.change(tx, case_id, state=state)
