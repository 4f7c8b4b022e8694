"""Deeds: decided once, claimed by one, ended by the one that holds the lease."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain import DeedState
from gateway.store import outbox
from gateway.store.engine import Store
from gateway.store.outbox import Deed
from gateway.store.queues import LeaseLost

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def deed(key: str, **more: object) -> Deed:
    return Deed(kind="coupon", key=key, **{"due_at": NOW, **more})  # type: ignore[arg-type]


async def test_the_same_decision_is_one_deed(store: Store) -> None:
    async with store.write() as tx:
        first = await outbox.add(tx, deed("case-1:coupon"), NOW)
        second = await outbox.add(tx, deed("case-1:coupon"), NOW)
    assert first is not None
    assert second is None


async def test_two_workers_never_claim_the_same_deed(store: Store) -> None:
    async with store.write() as tx:
        for number in range(20):
            await outbox.add(tx, deed(f"k{number}"), NOW)

    async def worker() -> list[str]:
        async with store.write() as tx:
            return [row.id for row in await outbox.claim(tx, NOW, limit=7, lease=LEASE)]

    claims = await asyncio.gather(*(worker() for _ in range(4)))
    taken = [one for claim in claims for one in claim]
    assert len(taken) == len(set(taken)) == 20


async def test_a_worker_that_wakes_late_can_no_longer_write(store: Store) -> None:
    async with store.write() as tx:
        await outbox.add(tx, deed("k"), NOW)
    async with store.write() as tx:
        (slow,) = await outbox.claim(tx, NOW, limit=1, lease=LEASE)
    later = NOW + LEASE
    async with store.write() as tx:
        (quick,) = await outbox.claim(tx, later, limit=1, lease=LEASE)
        assert quick.attempts == 2
    with pytest.raises(LeaseLost):
        async with store.write() as tx:
            await outbox.end(tx, slow, DeedState.DONE, later)
    async with store.write() as tx:
        await outbox.end(tx, quick, DeedState.DONE, later, result={"code": "X"})
        ended = await outbox.get(tx, quick.id)
    assert ended is not None
    assert (ended.state, ended.result, ended.due_at) == ("done", {"code": "X"}, None)


async def test_a_deed_that_waits_for_another_becomes_due_at_its_end(store: Store) -> None:
    async with store.write() as tx:
        first = await outbox.add(tx, deed("first"), NOW)
        await outbox.add(tx, deed("second", due_at=None, after=first), NOW)
        (row,) = await outbox.claim(tx, NOW, limit=5, lease=LEASE)
    async with store.write() as tx:
        await outbox.end(tx, row, DeedState.REFUSED, NOW, reason="cap")
        (second,) = await outbox.claim(tx, NOW, limit=5, lease=LEASE)
    assert second.key == "second"


async def test_what_was_begun_is_not_dropped(store: Store) -> None:
    async with store.write() as tx:
        for key in ("begun", "fresh"):
            await outbox.add(tx, deed(key), NOW)
        rows = {row.key: row for row in await outbox.claim(tx, NOW, limit=5, lease=LEASE)}
        await outbox.note(tx, rows["begun"], {"begun": "cancel"}, until=NOW + LEASE)
        for row in rows.values():
            await outbox.again(tx, row, NOW, "carrier busy")
        dropped = await outbox.drop(tx, [row.id for row in rows.values()], "parcel moved", NOW)
    assert dropped == [rows["fresh"].id]
