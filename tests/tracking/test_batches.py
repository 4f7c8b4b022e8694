"""Many pushes cost as many statements as one, and their followers decide for each shipment as if it were alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from gateway import cases, messages, remedies, stalls
from gateway.contract import Push
from gateway.domain import Reason, Source, Status
from gateway.rules.policy import MessagePolicy, News
from gateway.store import bulk, outbox, polls, watches
from gateway.store import cases as case_rows
from gateway.store import inbox as rows
from gateway.store import legs as leg_rows
from gateway.store.engine import Store
from gateway.store.queues import LeaseLost
from gateway.store.tables import shipments
from gateway.tracking.inbox import Inbox, read_inbox
from gateway.tracking.record import Heard, record
from tests.tracking.parts import NOW, World, runtime, scan

_FOLLOW = (stalls.follow, cases.follow, messages.follow, remedies.follow)


def world(store: Store) -> World:
    rt = runtime(store, follow=_FOLLOW)
    news = {Status.OUT_FOR_DELIVERY: News(template="out_for_delivery"), Status.DELIVERED: News(template="delivered")}
    rt.policies.messages = MessagePolicy(news=news)
    return rt


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        said.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", hear)
    yield said
    event.remove(store.engine.sync_engine, "before_cursor_execute", hear)


async def pushed(rt: World, numbers: list[str], hours: float, status: str) -> int:
    """How many statements it takes to read one push of each number."""
    async with Inbox(rt) as inbox:
        for number in numbers:
            await inbox.accept("sf", Push(body=json.dumps([[number, hours, status]]).encode()))
    with statements(rt.store) as said:
        assert await read_inbox(rt, 100) == len(numbers)
    return len(said)


@pytest.mark.parametrize("status", ["in_transit", "out_for_delivery", "delivered"])
async def test_twenty_pushes_cost_as_many_statements_as_two(store: Store, status: str) -> None:
    rt = world(store)
    numbers = [f"A{number}" for number in range(22)]
    for number in numbers:
        await rt.registered(number)
    await pushed(rt, numbers, 1, "picked_up")
    assert await pushed(rt, numbers[:2], 2, status) == await pushed(rt, numbers[2:], 2, status)


async def test_each_shipment_of_a_batch_gets_its_own(store: Store) -> None:
    rt = world(store)
    ids = [await rt.registered(number) for number in ("A1", "A2", "A3")]
    told = [
        scan("A1", hours=-1, status=Status.OUT_FOR_DELIVERY),
        scan("A2", hours=-1, status=Status.EXCEPTION, reason=Reason.DAMAGED),
        scan("A3", hours=-1, status=Status.DELIVERED),
    ]
    async with store.write() as tx:
        heard = [Heard(provider="sf", source=Source.WEBHOOK, scan=one, learned_at=NOW) for one in told]
        await record(rt, tx, heard)
    async with store.read() as tx:
        (deeds, open_cases) = await outbox.of_kind(tx, "news"), await case_rows.open_of_shipments(tx, ids)
        looks = [await watches.of_shipment(tx, one) for one in ids]
        asked = [await polls.of_leg(tx, leg.id) for leg in await leg_rows.of_shipments(tx, ids)]
    assert {deed.shipment_id for deed in deeds} == {ids[0], ids[2]}
    assert {one: [case.kind for case in found] for one, found in open_cases.items()} == {ids[1]: ["exception_damaged"]}
    assert [look is not None and look.due_at is not None for look in looks] == [True, True, False]
    assert all(one is not None and one.due_at is not None for one in asked)


async def test_a_batch_of_which_one_push_was_lost_ends_none(store: Store) -> None:
    rt = world(store)
    async with Inbox(rt) as inbox:
        for _ in range(3):
            await inbox.accept("sf", Push(body=b"[]"))
    async with store.write() as tx:
        claimed = await rows.claim(tx, NOW, limit=10, lease=rt.lease)
    async with store.write() as tx:
        await rows.claim(tx, NOW + rt.lease * 2, limit=1, lease=rt.lease)
    with pytest.raises(LeaseLost):
        async with store.write() as tx:
            await rows.end_read(tx, claimed)
    async with store.read() as tx:
        assert await rows.counts(tx) == {"waiting": 3}


async def test_a_pass_reads_on_while_pushes_wait(store: Store) -> None:
    rt = world(store)
    await rt.registered("A1")
    async with Inbox(rt) as inbox:
        for hours in range(1, 8):
            await inbox.accept("sf", Push(body=json.dumps([["A1", hours, "in_transit"]]).encode()))
    assert await read_inbox(rt, 2, more=1) == 4
    assert await read_inbox(rt, 2, more=9) == 3
    assert await read_inbox(rt, 2, more=9) == 0


async def test_many_passes_at_once_read_each_push_once(store: Store) -> None:
    rt = world(store)
    numbers = [f"A{number}" for number in range(30)]
    ids = [await rt.registered(number) for number in numbers]
    async with Inbox(rt) as inbox:
        for number in numbers:
            await inbox.accept("sf", Push(body=json.dumps([[number, 1, "in_transit"]]).encode()))
    assert await read_inbox(rt, 4, more=9, abreast=3) == len(numbers)
    assert [(await rt.shipment(one)).sequence for one in ids] == [2] * len(ids)
    async with store.read() as tx:
        assert await rows.counts(tx) == {}


async def test_rows_are_put_by_their_own_names(store: Store) -> None:
    rt = world(store)
    ids = [await rt.registered(number) for number in ("A1", "A2")]
    async with store.write() as tx:
        written = [
            {"id": ids[0], "late": True, "promised_at": NOW, "reason": Reason.LOST},
            {"id": ids[1], "promised_at": None, "document": {"metadata": {"名": "值"}}},
        ]
        await bulk.put_many(tx, shipments, written)
    first, second = [await rt.shipment(one) for one in ids]
    assert (first.late, first.promised_at, first.reason, first.document) == (True, NOW, Reason.LOST, {})
    assert (second.late, second.promised_at, second.document) == (False, None, {"metadata": {"名": "值"}})
