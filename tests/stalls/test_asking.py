"""Before silence is held against a carrier, it is asked."""

from __future__ import annotations

import pytest

from gateway.domain import Status
from gateway.stalls.incidents import check_carriers
from gateway.store import polls
from gateway.store.engine import Store
from tests.remedies.world import NOW, World, world


async def due(rt: World) -> list[str]:
    async with rt.store.read() as tx:
        return await polls.due_carriers(tx, ["sf"], rt.clock())


async def pushed(store: Store) -> World:
    """A parcel that its carrier pushes, so that it is asked about once a day."""
    rt = world(store)
    await rt.register("SF1")
    await rt.hear("SF1", Status.IN_TRANSIT)
    return rt


@pytest.mark.parametrize(("hours", "asked"), [(11, []), (12, ["sf"])])
async def test_a_carrier_that_has_been_quiet_for_half_the_time_is_asked(
    store: Store, hours: int, asked: list[str]
) -> None:
    rt = await pushed(store)
    rt.time.forward(hours=hours)
    await check_carriers(rt)
    assert await due(rt) == asked


async def test_one_whose_questions_fail_keeps_its_own_pace(store: Store) -> None:
    rt = await pushed(store)
    await rt.fails("sf", 1)
    rt.time.forward(hours=12)
    await check_carriers(rt)
    assert await due(rt) == []


async def test_a_gateway_that_was_away_asks_before_it_accuses(store: Store) -> None:
    rt = await pushed(store)
    rt.started_at = rt.time.forward(days=7)
    await check_carriers(rt)
    assert (await due(rt), await rt.cases()) == (["sf"], [])
    rt.time.forward(minutes=10)
    await check_carriers(rt)
    case = await rt.case("carrier_incident")
    assert case["cause"] == f"silent since {NOW.isoformat(timespec='minutes')}"
