"""The outbox is emptied by several at once; whatever a doer does, its deed ends or comes back."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.contract import Refused, Unavailable
from gateway.domain import DeedState
from gateway.outcome import Again, Done, Drop
from gateway.remedies import deliver
from gateway.remedies.deliver import deliver_due
from gateway.rules.retry import DEEDS
from gateway.store import outbox
from gateway.store.engine import Store
from gateway.store.outbox import Deed
from gateway.store.queues import LeaseLost
from gateway.store.rows import Row
from tests.remedies.world import World, world


async def written(rt: World, *keys: str, kind: str = "chore") -> None:
    async with rt.store.write() as tx:
        for key in keys:
            await outbox.add(tx, Deed(kind=kind, key=key, due_at=rt.clock()), rt.clock())


async def deed(rt: World, key: str = "a") -> Row:
    async with rt.store.read() as tx:
        row = await outbox.by_key(tx, key)
    assert row is not None
    return row


def answering(*ends: Any) -> Any:
    """A doer that answers, or raises, these one after the other; the last one for ever."""
    left = list(ends)

    async def do(_: Any, row: Any) -> Any:
        end = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(end, Exception):
            raise end
        return end

    return do


async def test_one_that_may_pass_is_tried_again_and_is_dead_in_the_end(store: Store) -> None:
    rt = world(store)
    await written(rt, "a")
    doers = {"chore": answering(Unavailable("busy"))}
    for number in range(1, DEEDS.tries):
        assert await deliver_due(rt, doers=doers) == 1
        row = await deed(rt)
        assert (row.state, row.attempts, row.reason) == ("pending", number, "busy")
        rt.time.now = row.due_at
    await deliver_due(rt, doers=doers)
    row = await deed(rt)
    assert (row.state, row.due_at, row.reason) == ("dead", None, "busy")


async def test_what_the_other_side_asks_for_is_never_undercut(store: Store) -> None:
    rt = world(store)
    await written(rt, "a")
    await deliver_due(rt, doers={"chore": answering(Unavailable("busy", retry_after=3600))})
    assert (await deed(rt)).due_at >= rt.clock() + timedelta(hours=1)


async def test_a_no_is_a_no(store: Store) -> None:
    rt = world(store)
    await written(rt, "a")
    await deliver_due(rt, doers={"chore": answering(Refused("not here", code="E7"))})
    row = await deed(rt)
    assert (row.state, row.reason, row.result) == ("refused", "not here", {"code": "E7"})


async def test_a_bug_is_logged_and_tried_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    rt = world(store)
    await written(rt, "a")
    with caplog.at_level(logging.ERROR):
        await deliver_due(rt, doers={"chore": answering(KeyError("surprise"), Done())})
    assert "Traceback" in caplog.text
    rt.time.forward(minutes=1)
    await deliver_due(rt, doers={"chore": answering(Done(result={"ok": 1}))})
    assert ((await deed(rt)).state, (await deed(rt)).result) == ("done", {"ok": 1})


async def test_a_kind_nobody_does_is_refused_by_name(store: Store) -> None:
    rt = world(store)
    await written(rt, "a", kind="dance")
    await deliver_due(rt, doers={})
    assert ((await deed(rt)).state, (await deed(rt)).reason) == ("refused", "nobody here does dance")


async def test_a_hold_is_no_try(store: Store) -> None:
    rt = world(store)
    await written(rt, "a")
    hold = Again(due_at=rt.clock() + timedelta(hours=1), reason="quiet hours", free=True)
    await deliver_due(rt, doers={"chore": answering(hold)})
    assert (await deed(rt)).attempts == 0
    rt.time.forward(hours=1)
    await deliver_due(rt, doers={"chore": answering(Drop(reason="superseded"))})
    assert (await deed(rt)).state == "dropped"


async def test_many_workers_do_each_once(store: Store) -> None:
    rt = world(store)
    await written(rt, *(f"k{number}" for number in range(40)))
    done: list[str] = []

    async def do(_: Any, row: Any) -> Done:
        done.append(row.key)
        return Done()

    handled = await asyncio.gather(*(deliver_due(rt, 8, doers={"chore": do}) for _ in range(4)))
    assert sum(handled) == len(done) == len(set(done)) == 40


async def test_a_slow_one_holds_up_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "_LOOK_SECONDS", 0.01)
    rt = world(store)
    await written(rt, "slow")
    let_go, others = asyncio.Event(), asyncio.Event()

    async def do(_: Any, row: Any) -> Done:
        if row.key == "slow":
            await let_go.wait()
        else:
            others.set()
        return Done()

    passing = asyncio.create_task(deliver_due(rt, 4, doers={"chore": do}))
    await written(rt, "quick")
    async with asyncio.timeout(20):
        await others.wait()
        let_go.set()
        assert await passing == 2


async def test_one_that_takes_too_long_is_stopped_and_comes_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "_SECONDS", 0.01)
    rt = world(store)
    await written(rt, "a")

    async def do(_: Any, row: Any) -> Done:
        await asyncio.Event().wait()
        return Done()

    await deliver_due(rt, doers={"chore": do})
    row = await deed(rt)
    assert row.state == DeedState.PENDING
    assert row.reason.startswith("no answer within")


async def test_the_lease_is_kept_up_while_it_is_under_way(store: Store) -> None:
    rt = world(store)
    rt.lease = timedelta(seconds=0.06)
    await written(rt, "a")
    first = rt.clock()
    kept = asyncio.Event()

    async def do(_: Any, row: Any) -> Done:
        rt.time.forward(seconds=30)
        async with asyncio.timeout(20):
            while (await deed(rt)).due_at < first + timedelta(seconds=30):
                await asyncio.wait([asyncio.create_task(kept.wait())], timeout=0.02)
        return Done()

    await deliver_due(rt, doers={"chore": do})
    assert ((await deed(rt)).state, (await deed(rt)).due_at) == ("done", None)


async def test_one_that_was_taken_over_writes_nothing(store: Store) -> None:
    rt = world(store)
    await written(rt, "a")

    async def do(_: Any, row: Any) -> Done:
        rt.time.forward(seconds=rt.lease.total_seconds() + 1)
        await deliver_due(rt, doers={"chore": answering(Done(result={"by": "second"}))})
        return Done(result={"by": "first"})

    await deliver_due(rt, doers={"chore": do})
    row = await deed(rt)
    assert (row.state, row.result, row.attempts) == ("done", {"by": "second"}, 2)


async def test_notes_that_wait_are_committed_together_and_a_lost_lease_is_told_to_its_own_doer(store: Store) -> None:
    rt = world(store)
    await written(rt, "a", "b", "c")
    noted: dict[str, str] = {}

    async def do(_: Any, row: Any) -> Done:
        if row.key == "b":
            async with store.write() as tx:
                await tx.conn.execute(text("UPDATE outbox SET fence = fence + 1 WHERE key = 'b'"))
        try:
            await rt.notes(row, {"begun": row.key}, rt.clock() + rt.lease)
            noted[row.key] = (await deed(rt, row.key)).progress["begun"]
        except LeaseLost:
            noted[row.key] = "lost"
            raise
        return Done(result={"by": "first"})

    await deliver_due(rt, 3, doers={"chore": do})
    assert noted == {"a": "a", "b": "lost", "c": "c"}
    assert [(await deed(rt, key)).result for key in "abc"] == [{"by": "first"}, None, {"by": "first"}]


async def test_an_end_that_cannot_be_written_takes_no_other_with_it(store: Store) -> None:
    rt = world(store)
    await written(rt, "a", "b", "c")

    async def do(_: Any, row: Any) -> Done:
        return Done(result=object() if row.key == "b" else {"done": row.key})

    await deliver_due(rt, 3, doers={"chore": do})
    assert [(await deed(rt, key)).state for key in "abc"] == ["done", "doing", "done"]
