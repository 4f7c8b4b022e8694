"""The one door: what is recorded, what moves, and what waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Source, Status
from gateway.store import health, legs, mappings, polls, strays
from gateway.store.engine import Store
from gateway.tracking.record import Heard, Recorded, record
from tests.tracking.parts import NOW, FakeAggregator, World, carrier, runtime, scan


def heard(*scans: object, provider: str = "sf", source: Source = Source.WEBHOOK, after: float = 0) -> list[Heard]:
    learned = NOW + timedelta(hours=after)
    return [Heard(provider=provider, source=source, scan=one, learned_at=learned) for one in scans]  # type: ignore[arg-type]


async def told(rt: World, ones: list[Heard], **more: bool) -> Recorded:
    async with rt.store.write() as tx:
        return await record(rt, tx, ones, **more)


async def test_a_scan_moves_its_shipment_under_the_next_sequence(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("sf 123")
    before = await rt.shipment(shipment_id)
    await told(rt, heard(scan("SF123", hours=1, status=Status.PICKED_UP)))
    after = await rt.shipment(shipment_id)
    assert (before.status, before.sequence) == (Status.PRE_TRANSIT, 1)
    assert (after.status, after.sequence, after.since) == (Status.PICKED_UP, 2, NOW + timedelta(hours=1))
    created, moved = rt.changes
    assert created.before is None
    assert moved.before == before
    assert moved.after == after
    assert [one.scan.status for one in moved.fresh] == [Status.PICKED_UP]


async def test_nothing_new_moves_nothing_but_the_clocks(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    ones = heard(scan(hours=-5))
    await told(rt, ones)
    before = await rt.shipment(shipment_id)
    rt.time.forward(hours=2)
    result = await told(rt, heard(scan(hours=-5), after=2))
    async with store.read() as tx:
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        poll = await polls.of_leg(tx, leg.id)
    assert result.changes == ()
    assert await rt.shipment(shipment_id) == before
    assert leg.heard_at == NOW + timedelta(hours=2)
    assert poll is not None
    assert poll.due_at > rt.clock() + timedelta(hours=3), "a push restarts the poll clock"


async def test_a_number_nobody_registered_waits_and_is_attached(store: Store) -> None:
    rt = runtime(store)
    result = await told(rt, heard(scan("A1", hours=-1, status=Status.PICKED_UP)))
    assert (result.strays, result.changes) == (1, ())
    shipment_id = await rt.registered("A1")
    after = await rt.shipment(shipment_id)
    async with store.read() as tx:
        left = await strays.of_number(tx, "A1")
    assert (after.status, left) == (Status.PICKED_UP, [])
    assert rt.changes[-1].fresh[0].learned_at == NOW


async def test_a_row_may_register_by_itself(store: Store) -> None:
    rt = runtime(store, carrier("sf", auto_register=True))
    result = await told(rt, heard(scan("A1"), scan("A1", hours=1, status=Status.DELIVERED)))
    assert result.strays == 0
    assert result.changes[-1].after.status is Status.DELIVERED


async def test_an_aggregator_speaks_of_many_carriers(store: Store) -> None:
    rt = runtime(store, carrier("sf", aliases={"agg": "shunfeng"}), carrier("agg", FakeAggregator))
    shipment_id = await rt.registered("A1")
    known, unknown = scan("A1", company="shunfeng"), scan("A1", company="nobody")
    result = await told(rt, heard(known, unknown, provider="agg"))
    assert result.strays == 1
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    assert not rt.changes[-1].fresh[0].direct


async def test_what_cannot_be_true_is_refused_and_the_rest_is_kept(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    absurd = scan("A1", hours=-24 * 366 * 40, status=Status.DELIVERED)
    result = await told(rt, heard(absurd, scan("N" * 70), scan("A1", text="nul \0 and \ud800 half")))
    assert len(result.refused) == 2
    await told(rt, heard(scan("B1\0\ud800", company="\0\ud800", place="\0", event_id="\0")))
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT


async def test_unknown_codes_are_counted_once_with_samples(store: Store) -> None:
    rt = runtime(store)
    await rt.registered("A1")
    strange = scan("A1", status=Status.UNKNOWN, carrier_code="X9", text="???")
    for _ in range(3):
        await told(rt, heard(strange))
    async with store.read() as tx:
        (row,) = await mappings.unread(tx)
    assert (row.carrier, row.carrier_code, row.count, row.samples) == ("sf", "X9", 1, ["???"])


async def test_who_was_heard_is_healthy(store: Store) -> None:
    rt = runtime(store)
    await rt.registered("A1")
    await told(rt, heard(scan("A1")))
    async with store.read() as tx:
        row = await health.of(tx, "sf")
    assert row is not None
    assert (row.heard_at, row.pushed_at) == (NOW, NOW)


async def test_a_follower_that_fails_leaves_nothing_behind(store: Store) -> None:
    async def broken(rt: object, tx: object, changes: object) -> None:
        raise RuntimeError("a follower failed")

    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    rt.follow = (broken,)
    with pytest.raises(RuntimeError):
        await told(rt, heard(scan("A1")))
    assert (await rt.shipment(shipment_id)).sequence == 1
