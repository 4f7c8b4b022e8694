"""Registration and what comes after it: subscriptions, a stop, an erasure, lists."""

from __future__ import annotations

import pytest

from gateway.contract import Push
from gateway.domain import Source, Status
from gateway.retention import Retention
from gateway.store import inbox as inbox_rows
from gateway.store import legs, outbox, polls, shipments, watches
from gateway.store.engine import Store
from gateway.store.shipments import Filter
from gateway.tracking.inbox import Inbox, read_inbox
from gateway.tracking.record import STRAY_LIFE, Heard, record
from gateway.tracking.register import NewShipment, NumberTaken, UnknownCarrier, UnknownShipment, add_leg, register
from gateway.tracking.watching import Edit, edit, erase, flag, stop
from tests.tracking.parts import NOW, FakeSubscribing, carrier, runtime, scan

PERSON = {"name": "Li Si", "phone": "+8613800000000", "email": "li.si@example.com"}
TO = {"country": "CN", "region": "Guangdong", "city": "Shenzhen", "address": "1 Long Road"}


async def test_registration_schedules_a_poll_a_watch_and_a_subscription(store: Store) -> None:
    rt = runtime(store, carrier("sf", FakeSubscribing))
    shipment_id = await rt.registered("A1", document={"destination": TO})
    async with store.write() as tx:
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        poll, watch = await polls.of_leg(tx, leg.id), await watches.of_shipment(tx, shipment_id)
        (deed,) = await outbox.claim(tx, NOW, limit=5, lease=rt.lease)
    assert poll is not None
    assert watch is not None
    assert (poll.due_at, watch.due_at, leg.reference) == (NOW, NOW, "SO-1")
    assert (deed.kind, deed.payload) == ("subscribe", {"leg_id": leg.id, "carrier": "sf"})
    assert (await rt.shipment(shipment_id)).destination == "CN-Guangdong"


async def test_what_does_not_exist_is_said(store: Store) -> None:
    rt = runtime(store)
    shipment_id, _ = await rt.registered("A1"), await rt.registered("A2")
    async with store.write() as tx:
        with pytest.raises(UnknownCarrier):
            await register(rt, tx, NewShipment(order_id="SO", carrier="nope", tracking_number="1"))
        with pytest.raises(NumberTaken):
            await add_leg(rt, tx, shipment_id, carrier="sf", tracking_number="A2")
        for call in (
            stop(rt, tx, "x"),
            flag(rt, tx, "x", late=True),
            erase(rt, tx, "x", "me"),
            edit(rt, tx, "x", Edit()),
        ):
            with pytest.raises(UnknownShipment):
                await call
        with pytest.raises(UnknownShipment):
            await add_leg(rt, tx, "x", carrier="sf", tracking_number="A9")


async def test_a_stopped_shipment_still_hears_pushes(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    async with store.write() as tx:
        await stop(rt, tx, shipment_id)
        await stop(rt, tx, shipment_id)
    async with store.write() as tx:
        await record(rt, tx, [Heard(provider="sf", source=Source.WEBHOOK, scan=scan("A1"), learned_at=NOW)])
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        poll = await polls.of_leg(tx, leg.id)
    after = await rt.shipment(shipment_id)
    assert (after.status, after.watching, after.sequence) == (Status.IN_TRANSIT, False, 3)
    assert poll is not None
    assert poll.due_at is None


async def test_an_erasure_leaves_the_journey_and_takes_the_person(store: Store) -> None:
    rt = runtime(store)
    document = {"recipient": PERSON, "destination": TO, "metadata": {"note": "Li Si"}, "value": {"amount": "1.00"}}
    shipment_id, other = await rt.registered("A1", document=document), await rt.registered("A2", document=document)
    async with Inbox(rt) as inbox:
        for number in ("A1", "A2"):
            await inbox.accept("sf", Push(body=f'[["{number}", 1, "delivered"]]'.encode()))
    await read_inbox(rt, 10)
    async with store.read() as tx:
        assert {row.id for row in await shipments.mentioning(tx, "+8613800000000")} == {shipment_id, other}
    async with store.write() as tx:
        await erase(rt, tx, shipment_id, "admin@shop")
        await erase(rt, tx, shipment_id, "admin@shop")
    async with store.read() as tx:
        assert [row.id for row in await shipments.mentioning(tx, "+8613800000000")] == [other]
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        left = await inbox_rows.listing(tx, limit=10)
        (kept,) = [await inbox_rows.get(tx, row.id) for row in left]
    assert kept is not None
    assert b"A2" in kept.body
    assert "delivered 1" not in leg.history
    after = await rt.shipment(shipment_id)
    assert after.status is Status.DELIVERED
    assert after.document == {"destination": {"country": "CN", "region": "Guangdong"}, "value": {"amount": "1.00"}}


async def test_strays_wait_thirty_days(store: Store) -> None:
    rt = runtime(store)
    async with store.write() as tx:
        await record(rt, tx, [Heard(provider="sf", source=Source.WEBHOOK, scan=scan("A1"), learned_at=NOW)])
    rt.time.now += STRAY_LIFE / 2
    assert await Retention(rt).tick() == {}
    rt.time.now += STRAY_LIFE
    assert await Retention(rt).tick() == {"strays": 1}


async def test_lists_are_filtered_and_paged(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"))
    ids = [await rt.registered(f"A{number}", order_id=f"SO-{number}") for number in range(5)]
    zto = await rt.registered("Z1", "zto", order_id="SO-0")
    async with store.write() as tx:
        await flag(rt, tx, ids[2], stalled=True)

    async def found(limit: int = 10, before: str | None = None, **wanted: object) -> set[str]:
        async with store.read() as tx:
            rows = await shipments.listing(tx, Filter(**wanted), limit=limit, before=before)  # type: ignore[arg-type]
        return {row.id for row in rows}

    assert await found() == {*ids, zto}
    assert await found(carrier="zto") == {zto}
    assert await found(order_id="SO-0") == {ids[0], zto}
    assert await found(stalled=True) == {ids[2]}
    assert await found(stalled=False, status="pre_transit", late=False) == {*ids, zto} - {ids[2]}
    assert await found(q="A") == set(ids)
    assert await found(q="SO-4") == {ids[4]}
    assert await found(q="%") == set()
    first = await found(limit=2)
    assert len(first) == 2
    assert await found(before=min(first)) == {*ids, zto} - first
