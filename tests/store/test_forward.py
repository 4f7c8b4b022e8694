"""What an older release wrote is there, and is understood, after `gateway migrate`. Later revisions need no line."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.store import outbox, polls
from gateway.store.archive_reader import Reader
from gateway.store.engine import CannotOpen, Store, connect
from gateway.store.load import load
from gateway.store.migrate import newest, pending, revision, revisions, upgrade
from gateway.store.tables import legs, shipments
from tests.store.files import FINGERPRINT, contents, lost, quiet, stored, take_in
from tests.store.life import ORDERS
from tests.store.release import RELEASED
from tests.web.parts import Gate, gate

every_release = pytest.mark.parametrize("released", sorted(RELEASED.glob("*.jsonl")), ids=lambda path: path.stem)


@every_release
async def test_nothing_is_lost_on_the_way_forward(database_url: str, released: Path, tmp_path: Path) -> None:
    store = connect(database_url)
    await take_in(store, released)
    async with store.read() as tx:
        assert await revision(tx) == released.stem
    await upgrade(store)
    assert await pending(store) is None
    assert lost(contents(released), await stored(store, tmp_path)) == []
    async with gate(store) as face:
        await _understood(face)
    await store.close()


@every_release
async def test_an_old_file_is_brought_forward_by_the_import(database_url: str, released: Path, tmp_path: Path) -> None:
    store = connect(database_url)
    await load(store, released, secret=FINGERPRINT, told=quiet)
    assert await pending(store) is None
    assert lost(contents(released), await stored(store, tmp_path)) == []
    await store.close()


async def _understood(face: Gate) -> None:
    """The doors answer about it, and the queues hand out what was due."""
    statuses = [(await (await face.get(f"/v1/tracking/{number}")).json())["status"] for number in ORDERS.values()]
    assert statuses == ["delivered", "in_transit", "pre_transit"]
    kinds = {case["kind"]: case["state"] for case in (await (await face.get("/v1/cases")).json())["items"]}
    assert kinds.keys() == {"stall_in_transit", "complaint", "carrier_incident"}
    (coupon,) = (await (await face.get("/v1/coupons")).json())["items"]
    assert (coupon["order_id"], coupon["amount"]["amount"], coupon["state"]) == ("SO-3", "10", "issued")
    assert (await (await face.get("/v1/policies/stalls")).json())["version"] == 2
    later = face.rt.time.forward(days=30)
    async with face.rt.store.write() as tx:
        due = await outbox.claim(tx, later, limit=50, lease=face.rt.lease)
        asked = await polls.claim(tx, "sf", later, limit=50, lease=face.rt.lease)
    assert {"message", "coupon", "event"} <= {deed.kind for deed in due}
    assert len(asked) == 3


async def test_a_migration_that_loses_something_is_found(store: Store, tmp_path: Path) -> None:
    (first, *_) = sorted(RELEASED.glob("*.jsonl"))
    await load(store, first, secret=FINGERPRINT, told=quiet)
    async with store.write() as tx:
        await tx.conn.execute(legs.delete().where(legs.c.tracking_number == "ZTO0001"))
        await tx.conn.execute(update(shipments).where(shipments.c.order_id == "SO-1").values(delivered_at=None))
    found = lost(contents(first), await stored(store, tmp_path))
    assert [one.partition(" ")[0] for one in found] == ["legs", "shipments"]
    assert "delivered_at was" in found[1]


def test_a_kept_file_is_of_the_schema_it_is_named_after() -> None:
    for path in RELEASED.glob("*.jsonl"):
        with Reader(path) as reader:
            assert reader.head.schema == path.stem in revisions()


async def test_a_store_of_a_newer_gateway_is_refused_and_left_alone(store: Store) -> None:
    async with store.write() as tx:
        await tx.conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CannotOpen, match=f"9999 was made by a newer gateway; this version knows up to {newest()}"):
        await upgrade(store)
    async with store.read() as tx:
        assert await revision(tx) == "9999"
