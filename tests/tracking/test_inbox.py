"""Pushes: durable before they are answered, read once, and harmless to each other."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gateway.contract import Push
from gateway.domain import Scan, Status
from gateway.store import inbox as rows
from gateway.store import legs, polls
from gateway.store.engine import Store, connect
from gateway.tracking.change import Change
from gateway.tracking.inbox import Busy, Inbox, StillWaiting, UnknownPush, read_inbox, replay
from gateway.tracking.pushes import TRIES
from tests.tracking.parts import NOW, FakeAggregator, World, carrier, runtime


def push(*scans: list[object], body: bytes | None = None, **more: object) -> Push:
    return Push(body=json.dumps(scans).encode() if body is None else body, **more)  # type: ignore[arg-type]


async def accepted(rt: World, *pushes: Push, carrier: str = "sf") -> list[int]:
    async with Inbox(rt) as inbox:
        return list(await asyncio.gather(*(inbox.accept(carrier, one) for one in pushes)))


async def states(rt: World) -> list[tuple[str, str | None]]:
    async with rt.store.read() as tx:
        return [(row.state, row.reason) for row in reversed(await rows.listing(tx, limit=50))]


async def test_a_push_is_durable_when_it_is_answered(store: Store, database_url: str) -> None:
    rt = runtime(store)
    async with Inbox(rt) as inbox:
        number = await inbox.accept(
            "sf", push(headers={"x-event": "e", "authorization": "Bearer s"}, token="tok", path="/webhooks/sf/tok")
        )
        other = connect(database_url)
        async with other.read() as tx:
            row = await rows.get(tx, number)
        await other.close()
    assert row is not None
    assert (row.state, row.received_at, row.body) == ("waiting", NOW, b"[]")
    assert row.request["headers"] == {"x-event": "e"}
    assert "tok" not in json.dumps(row.request["path"])


async def test_what_waits_is_committed_together_and_each_gets_its_own_id(store: Store) -> None:
    rt = runtime(store)
    ids = await accepted(rt, *(push(body=str(number).encode()) for number in range(50)))
    async with store.read() as tx:
        bodies = [int((await rows.get(tx, number)).body) for number in ids]  # type: ignore[union-attr]
    assert bodies == list(range(50))
    assert len(set(ids)) == 50


async def test_a_full_inbox_is_busy_and_a_closed_one_too(store: Store) -> None:
    rt = runtime(store)
    async with Inbox(rt, most=3) as inbox:
        answers = await asyncio.gather(*(inbox.accept("sf", push()) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in answers] == [int, int, int, Busy, Busy]
    with pytest.raises(Busy):
        await inbox.accept("sf", push())


async def test_a_store_that_fails_is_busy_not_a_yes(store: Store) -> None:
    rt = runtime(store)
    async with Inbox(rt) as inbox:
        with pytest.raises(Busy):
            await inbox.accept("x" * 5, push(query={"q": object()}))  # type: ignore[dict-item]
        assert await inbox.accept("sf", push())


async def test_reading_moves_the_shipment_once(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    await accepted(rt, push(["A1", 1, "in_transit"]), push(["A1", 1, "in_transit"]), push(["A1", 2, "delivered"]))
    assert await read_inbox(rt, 10) == 3
    assert await read_inbox(rt, 10) == 0
    after = await rt.shipment(shipment_id)
    assert (after.status, after.sequence) == (Status.DELIVERED, 2)
    assert [state for state, _ in await states(rt)] == ["read"] * 3


async def test_poison_in_a_batch_harms_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    rt = runtime(store)
    await rt.registered("A1")
    await accepted(
        rt, push(body=b"\xff rubbish"), push(body=b'"bug"'), push(["N" * 70, 0, "in_transit"], ["A1", 0, "picked_up"])
    )
    await accepted(rt, push(["A1", 1, "in_transit"]))
    await read_inbox(rt, 10)
    bad, bug, long, good = await states(rt)
    assert bad == ("quarantined", "not JSON")
    assert bug[0] == "waiting"
    assert long[0] == "quarantined"
    assert "tracking_number" in str(long[1])
    assert good == ("read", None)
    assert rt.changes[-1].after.status is Status.IN_TRANSIT
    assert [held.scan.status for held in rt.changes[-1].fresh] == [Status.PICKED_UP, Status.IN_TRANSIT]


async def test_our_own_bug_is_tried_again_and_then_quarantined_with_a_traceback(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rt = runtime(store)
    await accepted(rt, push(body=b'"bug"'))
    for _ in range(TRIES):
        assert await read_inbox(rt, 10) == 1
        rt.time.forward(days=1)
    assert await read_inbox(rt, 10) == 0
    ((state, reason),) = await states(rt)
    assert (state, reason) == ("quarantined", "internal: KeyError('surprise')")
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)


async def test_a_follower_that_fails_for_one_shipment_spares_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def picky(rt: object, tx: object, changes: Sequence[Change]) -> None:
        if any(change.after.tracking_number == "BAD" and change.before for change in changes):
            raise RuntimeError("no")

    rt = runtime(store, follow=(picky,))
    good, bad = await rt.registered("A1"), await rt.registered("BAD")
    await accepted(rt, push(["A1", 1, "in_transit"]), push(["BAD", 1, "in_transit"]))
    await read_inbox(rt, 10)
    assert (await rt.shipment(good)).status is Status.IN_TRANSIT
    assert (await rt.shipment(bad)).status is Status.PRE_TRANSIT
    assert [state for state, _ in await states(rt)] == ["read", "waiting"]


async def test_a_reader_that_died_is_replaced_and_one_that_wakes_late_writes_nothing(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    await accepted(rt, push(["A1", 1, "in_transit"]))
    async with store.write() as tx:
        (dead,) = await rows.claim(tx, rt.clock(), limit=1, lease=rt.lease)
    assert await read_inbox(rt, 10) == 0
    rt.time.forward(minutes=3)
    assert await read_inbox(rt, 10) == 1
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    with pytest.raises(Exception, match="fence"):
        async with store.write() as tx:
            await rows.end(tx, dead, rows.QUARANTINED, "late")


async def test_replay_tells_nobody(store: Store) -> None:
    rt = runtime(store, carrier("agg", FakeAggregator))
    await accepted(rt, push(["A1", 1, "delivered", "", "shunfeng"]), carrier="agg")
    await accepted(rt, push(body=b"{"), carrier="agg")
    with pytest.raises(StillWaiting):
        await replay(rt, 1)
    await read_inbox(rt, 10)
    later = runtime(store, carrier("sf", aliases={"agg": "shunfeng"}), carrier("agg", FakeAggregator))
    shipment_id = await later.registered("A1")
    assert await replay(later, 1) is None
    assert await replay(later, 2) == "not JSON"
    assert (await later.shipment(shipment_id)).status is Status.DELIVERED
    with pytest.raises(UnknownPush):
        await replay(later, 99)


async def test_a_replay_of_news_is_marked(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    broken = runtime(store, carrier("zto"))
    await accepted(rt, push(["A1", 1, "delivered"]))
    await read_inbox(broken, 10)
    assert await states(rt) == [("quarantined", "carrier sf is not configured")]
    assert await replay(rt, 1) is None
    assert await states(rt) == [("read", None)]
    assert rt.changes[-1].replay
    assert (await rt.shipment(shipment_id)).status is Status.DELIVERED


async def test_headers_of_raw_bytes_can_be_kept(store: Store) -> None:
    rt = runtime(store)
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    (number,) = await accepted(rt, push(headers={"x-odd": odd}))
    async with store.read() as tx:
        row = await rows.get(tx, number)
    assert row is not None
    assert row.request["headers"]["x-odd"] == odd


class Hearsay(FakeAggregator):
    """Its pushes name a number and prove nothing."""

    def receive(self, request: Push) -> list[Scan]:
        return []

    def hints(self, request: Push) -> list[tuple[str | None, str]]:
        return [("zhongtong", " a1 "), ("nobody", "A1"), ("zhongtong", "A2")]


async def test_a_push_that_proves_nothing_makes_its_legs_due(store: Store) -> None:
    rt = runtime(store, carrier("zto", aliases={"news": "zhongtong"}), carrier("news", Hearsay))
    shipment_id = await rt.registered("A1", carrier="zto")
    async with rt.store.write() as tx:
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        await polls.schedule(tx, leg.id, "zto", NOW + timedelta(hours=20))
    await accepted(rt, push(), carrier="news")
    await read_inbox(rt)
    async with rt.store.read() as tx:
        (leg,), due = await legs.of_shipments(tx, [shipment_id]), await polls.of_leg(tx, leg.id)
    assert leg.history == "[]"
    assert due is not None and due.due_at == NOW
    assert await states(rt) == [("read", None)]
