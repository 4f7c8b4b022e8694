"""A lane's own history decides what is normal on it, once there is enough of it."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain import Source, Status
from gateway.rules.calendar import Calendar
from gateway.rules.history import Held
from gateway.stalls.lanes import MEMORY, dwells, learn_lanes
from gateway.store.engine import Store
from tests.remedies.world import NOW, POLICIES, World, scan, world

LEARNED = {"quantile": 0.9, "min_samples": 20, "at_least": 0.5, "at_most": 2.0}
#: A place on every scan: the same word at another place is progress.
TOWNS = ("深圳市", "长沙市", "上海市")


def told(*steps: tuple[float, Status]) -> list[Held]:
    scans = [scan("SF1", status, NOW + timedelta(hours=hours), text=f"{hours}") for hours, status in steps]
    return [Held(scan=one, source=Source.WEBHOOK, provider="sf", direct=True, learned_at=one.at) for one in scans]


def test_the_longest_wait_in_each_status_counts() -> None:
    history = told(
        (0, Status.PICKED_UP),
        (5, Status.IN_TRANSIT),
        (15, Status.IN_TRANSIT),
        (17, Status.INFO),
        (18, Status.OUT_FOR_DELIVERY),
        (20, Status.DELIVERED),
        (90, Status.INFO),
    )
    found = dwells(history, Calendar("CN"))
    assert found == {Status.PICKED_UP: 5, Status.IN_TRANSIT: 10, Status.OUT_FOR_DELIVERY: 2}


async def arrivals(rt: World, number: int) -> None:
    """Parcels that each waited one hour longer than the one before."""
    for one in range(1, number + 1):
        await rt.register(f"SF{one}", f"SO-{one}")
        begun = rt.clock()
        await rt.hear(f"SF{one}", Status.IN_TRANSIT, at=begun)
        await rt.hear(f"SF{one}", Status.OUT_FOR_DELIVERY, at=begun + timedelta(hours=60 + one))
        await rt.hear(f"SF{one}", Status.DELIVERED, at=begun + timedelta(hours=100))


async def test_a_slow_lane_is_given_its_time(store: Store) -> None:
    rt = world(store, stalls={**POLICIES["stalls"], "learned": LEARNED})
    await arrivals(rt, 19)
    assert await learn_lanes(rt) == 0
    await rt.register("SF20", "SO-20")
    for status, hours in ((Status.IN_TRANSIT, 0), (Status.OUT_FOR_DELIVERY, 80), (Status.DELIVERED, 99)):
        await rt.hear("SF20", status, at=rt.clock() + timedelta(hours=hours))
    assert await learn_lanes(rt) == 2
    slow = await rt.register("SF99", "SO-99")
    await rt.hear("SF99", Status.IN_TRANSIT)
    await rt.stall(slow, hours=77)
    assert not (await rt.shipment(slow)).stalled
    await rt.stall(slow, hours=2)
    assert (await rt.shipment(slow)).stalled
    evidence = (await rt.case("stall_in_transit"))["evidence"]
    assert (evidence["rule"], evidence["threshold_hours"]) == ("learned", 78)


async def test_old_arrivals_are_forgotten(store: Store) -> None:
    rt = world(store, stalls={**POLICIES["stalls"], "learned": LEARNED})
    await arrivals(rt, 20)
    assert await learn_lanes(rt) == 2
    rt.time.forward(days=MEMORY.days + 5)
    assert await learn_lanes(rt) == 0
