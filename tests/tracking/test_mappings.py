"""Codes nobody had read: an operator says what they mean, and history is read again without telling anyone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.contract import Meaning
from gateway.domain import Source, Status
from gateway.store import audit, mappings, outbox
from gateway.store.engine import Store
from gateway.tracking.mappings import do_reread, set_mapping
from gateway.tracking.record import Heard, record
from tests.tracking.parts import NOW, World, runtime, scan


async def told(rt: World, *scans: Any, provider: str = "sf") -> None:
    async with rt.store.write() as tx:
        await record(rt, tx, [Heard(provider=provider, source=Source.POLL, scan=one, learned_at=NOW) for one in scans])


async def mapped(rt: World, code: str, meaning: Meaning) -> Any:
    async with rt.store.write() as tx:
        await set_mapping(rt, tx, "sf", code, meaning, "ops@shop")
        (deed,) = await outbox.claim(tx, rt.clock(), limit=5, lease=timedelta(minutes=1))
    return await do_reread(rt, deed)


async def test_history_is_read_again_with_the_new_meaning(store: Store) -> None:
    rt = runtime(store)
    first, second = await rt.registered("A1"), await rt.registered("A2")
    strange = {"status": Status.UNKNOWN, "carrier_code": 'X%9"'}
    await told(rt, scan("A1", **strange), scan("A2", hours=-1), scan("A2", carrier_code="X"))
    assert (await rt.shipment(first)).status is Status.UNKNOWN
    before, untouched = len(rt.changes), await rt.shipment(second)
    ended = await mapped(rt, 'X%9"', Meaning(Status.CUSTOMS))
    assert ended.result == {"legs": 1}
    assert (await rt.shipment(first)).status is Status.CUSTOMS
    assert await rt.shipment(second) == untouched
    (change,) = rt.changes[before:]
    assert change.replay
    await told(rt, scan("A1", hours=1, **strange))
    assert (await rt.shipment(first)).status is Status.CUSTOMS
    async with store.read() as tx:
        assert await mappings.unread(tx) == []
        (entry,) = await audit.listing(tx, limit=5)
    assert (entry.who, entry.what, entry.detail["after"]["status"]) == ("ops@shop", "mapping.write", "customs")


async def test_a_meaning_can_be_corrected(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    await told(rt, scan("A1", status=Status.UNKNOWN, carrier_code="X"))
    await mapped(rt, "X", Meaning(Status.DELIVERED))
    assert (await rt.shipment(shipment_id)).delivered_at is not None
    await mapped(rt, "X", Meaning(Status.IN_TRANSIT))
    after = await rt.shipment(shipment_id)
    assert (after.status, after.delivered_at) == (Status.IN_TRANSIT, None)


async def test_an_adapter_that_learned_a_code_replaces_what_was_unknown(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    await told(rt, scan("A1", status=Status.UNKNOWN, carrier_code="X", text="at the depot"))
    await told(rt, scan("A1", status=Status.IN_TRANSIT, carrier_code="X", text="at the depot"))
    after = rt.changes[-1]
    assert after.after.status is Status.IN_TRANSIT
    assert not after.state.newest_unknown
    assert (await rt.shipment(shipment_id)).sequence == 3
