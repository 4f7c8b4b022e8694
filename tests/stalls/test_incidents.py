"""One alarm for a carrier that went silent, and circuits that close by themselves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway import routing
from gateway.domain import Status
from gateway.rules.choose import ParcelFacts
from gateway.rules.policy import Circuit
from gateway.stalls.circuits import turned
from gateway.stalls.incidents import NoSuchIncident, check_carriers, declare, end_declared
from gateway.stalls.sweep import sweep
from gateway.store import health, incidents
from gateway.store.engine import Store
from tests.remedies.world import NOW, World, world

TOLD = {"do": "message", "to": "operators", "template": "ops_incident"}
PLAYBOOKS = {"playbooks": {"default": {}, "carrier_incident": {"severity": "critical", "remedies": [TOLD]}}}


async def circuit(rt: World, carrier: str = "sf") -> str:
    async with rt.store.read() as tx:
        row = await health.of(tx, carrier)
    return row.circuit if row is not None else "closed"


async def many(rt: World, number: int = 30) -> list[str]:
    ids = [await rt.register(f"SF{one}", f"SO-{one}") for one in range(number)]
    for one in range(number):
        await rt.hear(f"SF{one}", Status.IN_TRANSIT)
    return ids


async def test_silence_is_one_incident_and_one_case(store: Store) -> None:
    rt = world(store, playbooks=PLAYBOOKS)
    await many(rt, 5)
    await rt.fails("sf")
    await asyncio.gather(*(check_carriers(rt) for _ in range(3)))
    rt.time.forward(hours=60)
    await sweep(rt)
    await check_carriers(rt)
    (case,) = await rt.cases()
    assert (case["kind"], case["severity"], case["carrier"]) == ("carrier_incident", "critical", "sf")
    assert case["evidence"]["failures"] == 5
    assert await circuit(rt) == "open"
    await rt.deliver()
    assert len(rt.said) == 1
    assert (await rt.events()).count("carrier.incident_opened") == 1


async def test_it_is_over_when_the_carrier_is_heard_again(store: Store) -> None:
    rt = world(store, playbooks=PLAYBOOKS)
    await many(rt, 2)
    await rt.fails("sf")
    await check_carriers(rt)
    rt.time.forward(minutes=10)
    await rt.speaks("sf")
    await check_carriers(rt)
    assert (await rt.case("carrier_incident"))["state"] == "cleared"
    assert "carrier.incident_closed" in await rt.events()
    async with store.read() as tx:
        assert await incidents.open_ones(tx) == []
    assert await circuit(rt) == "open"
    rt.time.forward(hours=1)
    await rt.speaks("sf")
    await check_carriers(rt)
    assert await circuit(rt) == "half_open"
    rt.time.forward(hours=6)
    await rt.speaks("sf")
    await check_carriers(rt)
    assert await circuit(rt) == "closed"


async def test_pushes_that_go_on_are_heard_although_polls_fail(store: Store) -> None:
    rt = world(store)
    await many(rt, 2)
    await rt.fails("sf")
    rt.time.forward(minutes=1)
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY)
    await check_carriers(rt)
    assert await rt.cases() == []


async def test_a_carrier_gone_quiet_across_the_board(store: Store) -> None:
    rt = world(store)
    await many(rt, 2)
    rt.time.forward(hours=23)
    await check_carriers(rt)
    assert await rt.cases() == []
    rt.time.forward(hours=1)
    await check_carriers(rt)
    assert (await rt.case("carrier_incident"))["cause"].startswith("silent since")


async def test_silence_of_a_carrier_without_parcels_is_nobodys_trouble(store: Store) -> None:
    rt = world(store)
    await rt.fails("jd", 9)
    rt.time.forward(hours=90)
    await check_carriers(rt)
    assert await rt.cases() == []


async def test_a_new_parcel_is_not_silent_since_the_last_one(store: Store) -> None:
    rt = world(store)
    await rt.speaks("sf")
    rt.time.forward(hours=90)
    await rt.register()
    await check_carriers(rt)
    assert await rt.cases() == []


async def test_a_declared_incident_opens_the_circuit_until_it_is_ended(store: Store) -> None:
    rt = world(store, routes={"routes": []})
    first = await declare(rt, "sf", who="ops", cause="strike")
    assert await declare(rt, "sf", who="ops", cause="strike again") == first
    assert await circuit(rt) == "open"
    rt.time.forward(hours=9)
    await check_carriers(rt)
    assert await circuit(rt) == "open"
    await end_declared(rt, "sf", who="ops")
    assert await circuit(rt) == "half_open"
    assert (await rt.case("carrier_incident"))["state"] == "cleared"
    with pytest.raises(NoSuchIncident):
        await end_declared(rt, "sf", who="ops")


async def test_a_stalled_carrier_gets_no_new_parcels(store: Store) -> None:
    rt = world(store, playbooks={"playbooks": {"default": {}}})
    ids = await many(rt)
    await rt.stall(*ids[:10])
    await check_carriers(rt)
    assert await circuit(rt) == "open"
    async with store.read() as tx:
        choice = await routing.choose(rt, tx, ParcelFacts(key="new", carrier="sf", origin="CN", destination="CN"))
    assert [one.carrier for one in choice.ranked][:2] == ["zto", "jd"]
    assert ("sf", "circuit_open") in [(one.carrier, one.why) for one in choice.skipped]


def test_a_circuit_rests_is_probed_and_trusted_again() -> None:
    policy = Circuit(rest_hours=1, probe_hours=6)
    hour = timedelta(hours=1)
    assert turned("closed", None, True, policy, NOW) == "open"
    assert turned("open", NOW, False, policy, NOW + hour / 2) == "open"
    assert turned("open", NOW, False, policy, NOW + hour) == "half_open"
    assert turned("half_open", NOW, True, policy, NOW + hour) == "open"
    assert turned("half_open", NOW, False, policy, NOW + 5 * hour) == "half_open"
    assert turned("half_open", NOW, False, policy, NOW + 6 * hour) == "closed"
