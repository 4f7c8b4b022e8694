"""What operators do with a case. Each is one transaction, a line of its timeline and a line of the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.cases.closing import close
from gateway.cases.keys import open_key
from gateway.cases.standing import settle, waits_for_person
from gateway.domain import CaseState, DeedState
from gateway.runtime import Runtime
from gateway.store import audit, cases, outbox
from gateway.store.engine import Tx
from gateway.store.rows import Row


class NoSuchCase(LookupError):
    """There is no case of this id."""


class NotPossible(Exception):
    """The case is not in a state in which this can be done; the text says why."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """One action under way: the locked case and its transaction."""

    rt: Runtime
    tx: Tx
    case: Row
    who: str
    now: datetime

    async def write(self, what: str, **detail: Any) -> None:
        said = {name: value for name, value in detail.items() if value not in (None, "")}
        await cases.event(self.tx, self.case.id, self.now, self.who, what, said or None)
        await audit.add(self.tx, self.now, self.who, f"case.{what}", self.case.id, said or None)


@asynccontextmanager
async def _at(rt: Runtime, case_id: str, who: str, *, closed: bool | None = False) -> AsyncIterator[_Desk]:
    """closed: the case must be (True) or must not be (False) closed; None: either."""
    async with rt.store.write() as tx:
        case = await cases.locked(tx, case_id)
        if case is None:
            raise NoSuchCase(case_id)
        is_closed = case.state in cases.CLOSED
        if closed is not None and is_closed is not closed:
            raise NotPossible(f"the case is {case.state}")
        yield _Desk(rt, tx, case, who, rt.clock())
        await settle(rt, tx, case_id)
        tx.after_commit(lambda: rt.signals.wake("outbox"))


async def assign(
    rt: Runtime, case_id: str, *, who: str, owner: str, due_at: datetime | None = None, note: str = ""
) -> None:
    """Give it an owner and, when given, a new deadline. Raise NoSuchCase, NotPossible."""
    async with _at(rt, case_id, who) as desk:
        deadline = {} if due_at is None else {"due_at": due_at}
        await cases.change(desk.tx, case_id, owner=owner, **deadline)
        await desk.write("assign", owner=owner, due_at=due_at.isoformat() if due_at else None, note=note)


async def comment(rt: Runtime, case_id: str, *, who: str, note: str) -> None:
    """A line of the timeline, on a closed case too. Raise NoSuchCase."""
    async with _at(rt, case_id, who, closed=None) as desk:
        await desk.write("comment", note=note)


async def approve(rt: Runtime, case_id: str, *, who: str, remedy: str | None = None, note: str = "") -> None:
    """Say yes to what waits for a person: one remedy, or all of them. Raise NoSuchCase, NotPossible."""
    await _answer(rt, case_id, "approve", who, remedy, note)


async def reject(rt: Runtime, case_id: str, *, who: str, remedy: str | None = None, note: str = "") -> None:
    """Say no to what waits for a person. Raise NoSuchCase, NotPossible."""
    await _answer(rt, case_id, "reject", who, remedy, note)


async def _answer(rt: Runtime, case_id: str, what: str, who: str, remedy: str | None, note: str) -> None:
    async with _at(rt, case_id, who) as desk:
        asked = [deed for deed in await _remedies(desk, remedy) if waits_for_person(deed)]
        if not asked:
            raise NotPossible("nothing waits for an answer")
        answer = {"yes": what == "approve", "by": who, "at": desk.now.isoformat(), "note": note}
        for deed in asked:
            answers = {**deed.payload.get("answers", {}), question_of(deed.reason): answer}
            await outbox.release(desk.tx, deed.id, desk.now, payload={**deed.payload, "answers": answers})
        await desk.write(what, remedies=[deed.id for deed in asked], note=note)


def question_of(reason: str | None) -> str:
    """The name under which an answer is kept: the first word of the reason a deed waits for ("approval: ...")."""
    return (reason or "approval").partition(":")[0]


async def retry(rt: Runtime, case_id: str, *, who: str, remedy: str | None = None, note: str = "") -> None:
    """Try again what was refused or is dead. Raise NoSuchCase, NotPossible."""
    async with _at(rt, case_id, who) as desk:
        ended = (DeedState.REFUSED, DeedState.DEAD)
        failed = [deed for deed in await _remedies(desk, remedy) if deed.state in ended]
        if not failed:
            raise NotPossible("no remedy was refused or is dead")
        for deed in failed:
            await outbox.release(desk.tx, deed.id, desk.now)
        await desk.write("retry", remedies=[deed.id for deed in failed], note=note)


async def _remedies(desk: _Desk, remedy: str | None) -> list[Row]:
    deeds = await outbox.of_case(desk.tx, desk.case.id)
    if remedy is None:
        return deeds
    named = [deed for deed in deeds if deed.id == remedy]
    if not named:
        raise NotPossible(f"the case has no remedy {remedy}")
    return named


async def resolve(rt: Runtime, case_id: str, *, who: str, note: str = "") -> None:
    """Close it by hand; what was not begun is dropped. Raise NoSuchCase, NotPossible."""
    async with _at(rt, case_id, who) as desk:
        await close(rt, desk.tx, desk.case, CaseState.RESOLVED, who=who, cause=note or f"resolved by {who}")
        await audit.add(desk.tx, desk.now, who, "case.resolve", case_id, {"note": note})


async def reopen(rt: Runtime, case_id: str, *, who: str, note: str = "") -> None:
    """Open a closed case again. Its remedies stay as they ended: a person decides. Raise NoSuchCase, NotPossible."""
    async with _at(rt, case_id, who, closed=True) as desk:
        key = open_key(desk.case.kind, desk.case.shipment_id, desk.case.order_id)
        if await cases.open_under(desk.tx, key) is not None:
            raise NotPossible(f"another case of kind {desk.case.kind} is open")
        await cases.change(desk.tx, case_id, state=CaseState.OPEN, closed_at=None, open_key=key)
        await desk.write("reopen", note=note)
