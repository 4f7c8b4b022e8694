"""Several workers on the same shipments: nothing is lost, nothing deadlocks."""

from __future__ import annotations

import asyncio
import random

from gateway.domain import Source, Status
from gateway.store import strays
from gateway.store.engine import Store
from gateway.tracking.record import Heard, record
from tests.tracking.parts import NOW, carrier, poll_due, runtime, scan

#: A scan and a registration each: as many at once as the pool has connections. More would test how long one may wait
#: for a connection, which on a busy machine is a refusal (StoreAway).
WAVES = [range(start, start + 4) for start in range(0, 20, 4)]


async def test_pushes_and_polls_of_the_same_legs_do_not_deadlock(store: Store) -> None:
    rt = runtime(store, carrier("sf", settings={"calls_per_second": 1000}))
    numbers = [f"A{number}" for number in range(8)]
    ids = [await rt.registered(number) for number in numbers]
    rt.fake("sf").answer = lambda asked: [scan(leg.tracking_number, hours=1) for leg in asked[::2]]
    rng = random.Random(7)

    async def push(hours: int) -> None:
        shuffled = rng.sample(numbers, len(numbers))
        heard = [
            Heard(provider="sf", source=Source.WEBHOOK, scan=scan(number, hours=hours), learned_at=NOW)
            for number in shuffled
        ]
        async with store.write() as tx:
            await record(rt, tx, heard)

    async with asyncio.timeout(60):
        await asyncio.gather(*(push(hours) for hours in range(2, 12)), poll_due(rt))
    for shipment_id in ids:
        after = await rt.shipment(shipment_id)
        assert after.status is Status.IN_TRANSIT
        assert after.sequence >= 11


async def test_a_scan_and_its_registration_at_the_same_time_never_miss_each_other(store: Store) -> None:
    rt = runtime(store)

    async def push(number: str) -> None:
        heard = Heard(provider="sf", source=Source.WEBHOOK, scan=scan(number), learned_at=NOW)
        async with store.write() as tx:
            await record(rt, tx, [heard])

    async def both(number: str) -> str:
        shipment_id, _ = await asyncio.gather(rt.registered(number), push(number))
        return shipment_id

    async with asyncio.timeout(60):
        waves = [await asyncio.gather(*(both(f"N{number}") for number in wave)) for wave in WAVES]
    ids = [one for wave in waves for one in wave]
    assert [(await rt.shipment(one)).status for one in ids] == [Status.IN_TRANSIT] * 20
    async with store.read() as tx:
        assert all([await strays.of_number(tx, f"N{number}") == [] for number in range(20)])
