"""A stall is relative, confirmed before anybody is accused, and over when the parcel moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import Status
from gateway.stalls.sweep import sweep
from gateway.store import inbox, polls, watches
from gateway.store import legs as leg_rows
from gateway.store.engine import Store
from tests.remedies.world import Deaf, World, world

KIND = "stall_in_transit"


async def on_its_way(rt: World, **more: Any) -> str:
    shipment_id = await rt.register(**more)
    await rt.hear("SF1", Status.IN_TRANSIT)
    await sweep(rt)
    return shipment_id


async def due(rt: World, shipment_id: str) -> Any:
    async with rt.store.read() as tx:
        watch = await watches.of_shipment(tx, shipment_id)
    assert watch is not None
    return watch.due_at


async def test_nothing_is_wrong_within_the_threshold(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    assert await due(rt, shipment_id) == rt.clock() + timedelta(hours=24)
    rt.time.forward(hours=23)
    assert await sweep(rt) == 0
    assert await rt.cases() == []


async def test_the_carrier_is_asked_before_it_is_accused(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    rt.time.forward(hours=50)
    await rt.speaks("sf")
    await sweep(rt)
    assert await rt.cases() == []
    async with store.read() as tx:
        (leg,) = await leg_rows.of_shipments(tx, [shipment_id])
        asked = await polls.of_leg(tx, leg.id)
    assert asked is not None and asked.due_at == rt.clock()
    assert await due(rt, shipment_id) <= rt.clock() + timedelta(minutes=30)
    await rt.answered(shipment_id)
    rt.time.forward(minutes=30)
    await sweep(rt)
    assert (await rt.case(KIND))["state"] == "acting"


async def test_a_warning_is_low_and_pays_nothing_and_becomes_a_stall(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    await rt.stall(shipment_id, hours=25)
    warned = await rt.case(KIND)
    assert (warned["phase"], warned["severity"]) == ("warn", "low")
    assert [remedy["kind"] for remedy in warned["remedies"]] == ["assign"]
    assert not (await rt.shipment(shipment_id)).stalled
    await rt.deliver()
    await rt.stall(shipment_id, hours=25)
    stalled = await rt.case(KIND)
    assert (stalled["id"], stalled["phase"], stalled["severity"]) == (warned["id"], "stall", "high")
    assert [remedy["kind"] for remedy in stalled["remedies"]] == ["assign", "coupon"]
    assert (await rt.shipment(shipment_id)).stalled
    assert [line["what"] for line in stalled["timeline"]] == ["opened", "assign.done", "escalated"]
    assert "shipment.stalled" in await rt.events()


async def test_a_stall_says_why(store: Store) -> None:
    rt = world(store)
    await rt.stall(await on_its_way(rt))
    evidence = (await rt.case(KIND))["evidence"]
    assert (evidence["rule"], evidence["threshold_hours"], evidence["counted_hours"]) == ("table", 48, 50)
    assert evidence["last_scan"] == "2026-03-05T12:00:00+00:00"


async def test_it_clears_itself_when_the_parcel_moves(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    await rt.stall(shipment_id)
    before = await rt.shipment(shipment_id)
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY)
    after = await rt.shipment(shipment_id)
    assert (before.stalled, after.stalled) == (True, False)
    assert after.sequence == before.sequence + 1
    case = await rt.case(KIND)
    assert case["state"] == "cleared"
    assert {remedy["state"] for remedy in case["remedies"]} == {"dropped"}
    assert {"shipment.recovered", "case.resolved"} <= set(await rt.events())


async def test_contact_is_no_progress(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    await rt.stall(shipment_id)
    await rt.hear("SF1", Status.INFO, at=rt.clock(), text="a note", carrier_code="n")
    await rt.hear("SF1", Status.UNKNOWN, at=rt.time.forward(hours=1), carrier_code="??")
    await sweep(rt)
    assert (await rt.shipment(shipment_id)).stalled
    assert (await rt.case(KIND))["closed_at"] is None


async def test_a_stall_raises_the_sequence_and_tells_who_watches(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    before = (await rt.shipment(shipment_id)).sequence
    with rt.signals.listen(shipment_id) as heard:
        await rt.stall(shipment_id)
        assert heard.get_nowait() == before + 1
    assert (await rt.shipment(shipment_id)).sequence == before + 1


async def held_by_the_dead(rt: World) -> Any:
    """A push whose reader died: a row of the inbox."""
    async with rt.store.write() as tx:
        await inbox.add(tx, [inbox.Raw(carrier="sf", received_at=rt.clock(), request={}, body=b"{}")])
        (push,) = await inbox.claim(tx, rt.clock(), limit=1, lease=rt.lease)
    return push


async def test_nobody_is_accused_by_a_push_while_an_older_one_is_unread(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.register()
    older = await held_by_the_dead(rt)
    began = rt.time.forward(seconds=1)
    await rt.hear("SF1", Status.IN_TRANSIT, at=began - timedelta(hours=60))
    await sweep(rt)
    assert await rt.cases() == []
    assert not (await rt.shipment(shipment_id)).stalled
    assert await due(rt, shipment_id) == began + timedelta(seconds=1)
    rt.time.forward(seconds=1)
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY, at=began - timedelta(hours=1))
    async with store.write() as tx:
        await inbox.end(tx, older, inbox.READ)
    await sweep(rt)
    assert await rt.cases() == []
    assert "shipment.stalled" not in await rt.events()


async def test_when_the_older_push_was_read_a_parcel_that_stands_still_is_a_stall(store: Store) -> None:
    rt = world(store)
    await rt.register()
    older = await held_by_the_dead(rt)
    began = rt.time.forward(seconds=1)
    await rt.hear("SF1", Status.IN_TRANSIT, at=began - timedelta(hours=60))
    await sweep(rt)
    async with store.write() as tx:
        await inbox.end(tx, older, inbox.READ)
    rt.time.forward(seconds=1)
    await sweep(rt)
    assert (await rt.case(KIND))["phase"] == "stall"


async def test_a_push_that_is_younger_than_what_is_known_holds_up_no_stall(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    rt.time.forward(hours=49)
    await held_by_the_dead(rt)
    await rt.stall(shipment_id, hours=1)
    assert (await rt.case(KIND))["phase"] == "stall"


async def test_while_a_carrier_is_unheard_nobody_stalls(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    rt.time.forward(hours=50)
    await rt.fails("sf")
    await sweep(rt)
    assert await rt.cases() == []
    assert rt.clock() < await due(rt, shipment_id) <= rt.clock() + timedelta(hours=1)


async def test_a_stall_is_not_over_because_we_went_blind(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt)
    await rt.stall(shipment_id)
    await rt.fails("sf")
    rt.time.forward(hours=1)
    await sweep(rt)
    assert (await rt.case(KIND))["closed_at"] is None
    assert (await rt.shipment(shipment_id)).stalled


async def test_a_carrier_that_only_pushes_is_judged_by_its_pushes(store: Store) -> None:
    rt = world(store, kinds={"sf": Deaf})
    shipment_id = await on_its_way(rt)
    rt.time.forward(hours=50)
    await rt.speaks("sf")
    await sweep(rt)
    assert (await rt.shipment(shipment_id)).stalled


async def test_late_and_then_presumed_lost(store: Store) -> None:
    rt = world(store)
    shipment_id = await on_its_way(rt, promised_at=rt.clock() + timedelta(hours=60))
    await rt.stall(shipment_id, hours=61)
    assert (await rt.shipment(shipment_id)).late
    assert "shipment.late" in await rt.events()
    await rt.stall(shipment_id, hours=24 * 2)
    assert (await rt.case("late"))["closed_at"] is None
    await rt.stall(shipment_id, hours=24 * 6)
    assert (await rt.case("late"))["state"] == "cleared"
    assert (await rt.case("presumed_lost"))["state"] == "open"
    await rt.hear("SF1", Status.DELIVERED)
    assert {case["state"] for case in await rt.cases()} == {"cleared"}
    row = await rt.shipment(shipment_id)
    assert (row.late, row.stalled, await due(rt, shipment_id)) == (True, False, None)


async def test_a_source_that_gave_up_mends_nothing(store: Store) -> None:
    rt = world(store)
    await rt.stall(await on_its_way(rt))
    await rt.hear("SF1", Status.EXPIRED)
    assert (await rt.case(KIND))["closed_at"] is None


async def test_a_carrier_that_was_switched_off_accuses_nobody(store: Store) -> None:
    rt = world(store)
    await on_its_way(rt)
    rt.time.forward(hours=50)
    off = world(store)
    off.carriers = type(off.carriers)({code: one for code, one in off.carriers.items() if code != "sf"})
    off.time.now = rt.clock()
    assert await sweep(off) == 1
    assert await off.cases() == []


async def test_one_that_cannot_be_looked_at_holds_up_no_other(store: Store) -> None:
    rt = world(store)
    ids = [await rt.register(f"SF{number}", f"SO-{number}") for number in (1, 2, 3)]
    for number in (1, 2, 3):
        await rt.hear(f"SF{number}", Status.IN_TRANSIT)
    await sweep(rt)
    rt.time.forward(hours=50)
    await rt.answered(*ids)
    async with store.write() as tx:
        (leg, *_) = await leg_rows.of_shipments(tx, [ids[1]])
        await leg_rows.put(tx, leg.id, {"history": "broken"})
    assert await sweep(rt) == 3
    assert {case["shipment_id"] for case in await rt.cases(KIND)} == {ids[0], ids[2]}


@pytest.mark.parametrize("paperwork", [Status.EXPIRED, Status.CANCELLED])
async def test_paperwork_is_no_recovery(store: Store, paperwork: Status) -> None:
    """The source gave up, or the booking was cancelled: nothing moved."""
    rt = world(store)
    shipment_id = await on_its_way(rt, promised_at=rt.clock())
    await rt.stall(shipment_id, hours=50)
    assert (await rt.shipment(shipment_id)).stalled
    await rt.hear("SF1", paperwork)
    await sweep(rt)
    assert "shipment.recovered" not in await rt.events()
    after = await rt.shipment(shipment_id)
    assert (after.stalled, after.late) == ((True, True) if paperwork is Status.EXPIRED else (False, False))
