"""A carrier's pushes since a moment are read again, in the order they came, and nobody hears of it."""

from __future__ import annotations

import json
from datetime import timedelta

from gateway.contract import Push
from gateway.domain import Status
from gateway.store.engine import Store
from gateway.tracking.inbox import Inbox
from gateway.tracking.pushes import read_inbox
from gateway.tracking.replays import replay_since
from tests.tracking.parts import World, carrier, runtime


def push(*scans: list[object]) -> Push:
    return Push(body=json.dumps(scans).encode())


async def kept(rt: World, code: str, *pushes: Push) -> None:
    async with Inbox(rt) as inbox:
        for one in pushes:
            await inbox.accept(code, one)


async def test_only_the_carriers_own_pushes_since_then_are_read_again(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"))
    shipment_id = await rt.registered("A1")
    broken = runtime(store, carrier("yto"), clock=rt.time)
    await kept(rt, "sf", push(["A1", 1, "picked_up"]))
    rt.time.forward(hours=2)
    since = rt.time()
    await kept(rt, "sf", push(["A1", 2, "in_transit"]), Push(body=b"{"))
    await kept(rt, "zto", push(["A1", 3, "delivered"]))
    assert await read_inbox(broken, 10) == 4

    told = len(rt.changes)
    result = await replay_since(rt, "sf", since)
    assert (result.read, len(result.unreadable)) == (2, 1)
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    assert all(change.replay for change in rt.changes[told:])

    everything = await replay_since(rt, "sf", since - timedelta(days=1))
    assert everything.read == 3
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
