"""What is over is forgotten, some rows at a time; what is still needed stays, however old it is."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text, update

from gateway.domain import DeedState, MessageState, Status
from gateway.retention import Retention, next_size
from gateway.rules.policy import Retention as Policy
from gateway.store import inbox, outbox, shipments
from gateway.store.engine import Store
from gateway.store.export import count, tables
from gateway.store.load import load
from gateway.store.outbox import Deed
from gateway.store.retention import RULES
from gateway.store.tables import cases, legs, messages
from gateway.store.tables import inbox as pushes
from gateway.store.tables import shipments as parcels
from tests.store.files import FINGERPRINT, quiet, stored
from tests.store.release import RELEASED
from tests.tracking.parts import NOW, World, runtime
from tests.web.parts import SIGNED, gate

LIFE = RELEASED / "0001.jsonl"
LONG_AGO = NOW - timedelta(days=1000)


async def at_once(seconds: float) -> None:
    """Nobody else wants the store."""
    await asyncio.sleep(0)


async def swept(rt: World) -> dict[str, int]:
    return dict(await Retention(rt, rest=at_once).tick())


async def rows(store: Store) -> dict[str, int]:
    async with store.read() as tx:
        return {table.name: await count(tx, table) for table in tables()}


async def test_of_a_whole_life_that_goes_which_is_over(store: Store, tmp_path: Any) -> None:
    """SO-1 arrived; SO-2 has an open case; SO-3 is under way."""
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)
    before = await stored(store, tmp_path)
    rt = runtime(store)
    assert await swept(rt) == {}
    rt.time.forward(days=500)
    await swept(rt)
    after = await stored(store, tmp_path)
    kept = {table: len(after[table]) for table in before if after[table]}
    gone = {table: len(before[table]) - kept.get(table, 0) for table in before}
    assert {row["order_id"] for row in after["shipments"].values()} == {"SO-2", "SO-3"}
    assert {name: rows for name, rows in gone.items() if rows} == {
        "shipments": 1, "legs": 1, "polls": 1, "watches": 1,
        "inbox": 3, "strays": 1, "idempotency": 3, "messages": 1,
        "outbox": len([deed for deed in before["outbox"].values() if deed["case_id"] is None and deed["ended_at"]]),
    }  # fmt: skip
    assert [push["state"] for push in after["inbox"].values()] == ["waiting"]
    assert [deed for deed in before["outbox"].values() if deed["ended_at"] is None and deed["id"] not in
            {kept["id"] for kept in after["outbox"].values()}] == []  # fmt: skip
    rt.time.forward(days=700)
    assert (await swept(rt))["audit"] == len(before["audit"])
    assert {name: (await rows(store))[name] for name in ("ledger", "cases", "suppressions", "configs", "keys")} == {
        name: len(before[name]) for name in ("ledger", "cases", "suppressions", "configs", "keys")
    }


async def test_days_that_are_null_are_for_ever(store: Store) -> None:
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)
    rt = runtime(store)
    rt.policies.retention = Policy(**dict.fromkeys(Policy.model_fields))
    rt.time.forward(days=5000)
    assert await swept(rt) == {"strays": 1}


async def old(rt: World, number: str, **values: Any) -> str:
    """A parcel that arrived and of which nothing was heard for years. values: what is not so."""
    shipment_id = await rt.registered(number, order_id=f"SO-{number}")
    changed = {"status": Status.DELIVERED, "created_at": LONG_AGO, "updated_at": LONG_AGO, **values}
    async with rt.store.write() as tx:
        await tx.conn.execute(update(parcels).where(parcels.c.id == shipment_id).values(**changed))
    return shipment_id


async def left(rt: World) -> set[str]:
    async with rt.store.read() as tx:
        return {row.tracking_number for row in await shipments.listing(tx, shipments.Filter(), limit=500)}


async def a_case(rt: World, case_id: str, **values: Any) -> None:
    known = {
        "kind": "other",
        "state": "open",
        "severity": "low",
        "opened_at": LONG_AGO,
        "order_id": "SO-9",
        "cause": "",
    }
    async with rt.store.write() as tx:
        await tx.conn.execute(insert(cases).values(id=case_id, open_key=case_id, evidence={}, **{**known, **values}))


async def a_message(rt: World, shipment_id: str) -> None:
    names = ("decision", "channel", "notifier", "template", "locale", "kind")
    values = {"id": "msg-1", "state": MessageState.HELD, "shipment_id": shipment_id, "params": {}}
    at = dict.fromkeys(("created_at", "updated_at"), LONG_AGO)
    async with rt.store.write() as tx:
        await tx.conn.execute(insert(messages).values(**dict.fromkeys(names, "x"), **values, **at))


async def test_what_is_still_needed_stays(store: Store) -> None:
    rt = runtime(store)
    await old(rt, "OVER")
    await old(rt, "UNWATCHED", status=Status.IN_TRANSIT, watching=False)
    await old(rt, "LIVE", status=Status.IN_TRANSIT)
    await old(rt, "RECENT", updated_at=NOW - timedelta(days=399))
    await a_case(rt, "case-1", shipment_id=await old(rt, "CASE"))
    await old(rt, "ORDERCASE")
    await a_case(rt, "case-2", order_id="SO-ORDERCASE")
    await a_message(rt, await old(rt, "HELD"))
    waiting = await old(rt, "DEED")
    async with store.write() as tx:
        await outbox.add(tx, Deed(kind="coupon", key="k", due_at=None, shipment_id=waiting), LONG_AGO)
    assert (await swept(rt))["shipments"] == 2
    assert await left(rt) == {"LIVE", "RECENT", "CASE", "ORDERCASE", "HELD", "DEED"}
    async with store.write() as tx:
        for one in ("case-1", "case-2"):
            closed = {"state": "resolved", "open_key": None, "closed_at": LONG_AGO}
            await tx.conn.execute(update(cases).where(cases.c.id == one).values(**closed))
        await tx.conn.execute(update(messages).values(state=MessageState.SENT))
        await tx.conn.execute(text("UPDATE outbox SET state = 'dropped', ended_at = created_at WHERE key = 'k'"))
    assert {name: n for name, n in (await swept(rt)).items() if name != "deeds"} == {
        "messages": 1, "shipments": 4, "cases": 1
    }  # fmt: skip
    assert await left(rt) == {"LIVE", "RECENT"}
    assert (await rows(store))["legs"] == 2


async def test_the_news_of_a_live_parcel_is_not_told_again(store: Store) -> None:
    """That its deed is there is why: it goes when the parcel has ended."""
    rt = runtime(store)
    live = await old(rt, "LIVE", status=Status.IN_TRANSIT)
    async with store.write() as tx:
        for key, shipment in (("news", live), ("event", None)):
            await outbox.add(tx, Deed(kind=key, key=key, due_at=LONG_AGO, shipment_id=shipment), LONG_AGO)
        for deed in await outbox.claim(tx, LONG_AGO, limit=2, lease=rt.lease):
            await outbox.end(tx, deed, DeedState.DONE, LONG_AGO)
    assert await swept(rt) == {"deeds": 1}
    async with store.write() as tx:
        assert await outbox.by_key(tx, "news") is not None
        await tx.conn.execute(update(parcels).values(status=Status.DELIVERED, updated_at=NOW))
    assert await swept(rt) == {"deeds": 1}


async def test_what_must_stay_does_not_hide_what_may_go(store: Store) -> None:
    rt = runtime(store)
    for number in range(60):
        await old(rt, f"LIVE{number}", status=Status.IN_TRANSIT, updated_at=LONG_AGO - timedelta(seconds=number % 3))
    await old(rt, "OVER", updated_at=LONG_AGO + timedelta(seconds=1))
    assert (await swept(rt))["shipments"] == 1


async def test_what_was_rendered_of_a_parcel_goes_with_it(store: Store) -> None:
    async with gate(store) as face:
        await face.shipment("SF0001", order_id="SO-1")
        await face.pushed(["SF0001", 0, "delivered"])
        for _ in range(2):
            assert (await face.get("/v1/tracking/SF0001")).status == 200
        face.rt.time.forward(days=401)
        await swept(face.rt)
        assert (await face.get("/v1/tracking/SF0001")).status == 404
        await face.shipment("SF0001", order_id="SO-2")  # carriers give numbers again


async def test_a_large_backlog_goes_in_pieces_while_pushes_are_accepted(store: Store) -> None:
    async with gate(store) as face:
        rt, accepted = face.rt, 0
        await _backlog(store, 3000)

        async def rest(seconds: float) -> None:
            """Between two pieces the store is free for whoever comes."""
            nonlocal accepted
            answer = await face.client.post("/webhooks/sf", json=[], headers=SIGNED)
            accepted += answer.status == 200

        retention, gone = Retention(rt, rest=rest), Counter[str]()
        while one := await retention.tick():  # a rule has its turn, then the next one
            gone += one
        assert gone == {"pushes": 3000, "shipments": 300}
        assert accepted >= 9  # 50, 100, ... at most 500 at a time
        assert (await rows(store))["legs"] == 0
        async with store.read() as tx:
            assert await inbox.counts(tx) == {"waiting": accepted}


async def _backlog(store: Store, number: int) -> None:
    push = {"carrier": "sf", "received_at": LONG_AGO, "state": "read", "request": {}, "body": b"{}"}
    when = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    parcel = {"carrier": "sf", "status": "delivered", "document": {}, **when}
    leg = {"carrier": "sf", "ordinal": 1, "opened_at": LONG_AGO, "status": "delivered"}
    async with store.write() as tx:
        await tx.conn.execute(insert(pushes), [push] * number)
        names = [f"{one:05d}" for one in range(number // 10)]
        old = [{"id": f"shp_{name}", "order_id": name, "tracking_number": name, **parcel} for name in names]
        await tx.conn.execute(insert(parcels), old)
        theirs = [{"id": f"leg_{n}", "shipment_id": f"shp_{n}", "tracking_number": n, **leg} for n in names]
        await tx.conn.execute(insert(legs), theirs)


@pytest.mark.parametrize(
    ("size", "took", "following"),
    [(50, 0.001, 100), (500, 0.001, 500), (100, 0.03, 100), (100, 0.2, 50), (20, 0.2, 20)],
)
def test_a_piece_is_as_large_as_the_writer_bears(size: int, took: float, following: int) -> None:
    assert next_size(size, took) == following


async def test_nothing_is_scanned(store: Store) -> None:
    """On SQLite, whose plans do not depend on how much is there: every statement goes by an index."""
    if store.dialect != "sqlite":
        return
    await load(store, LIFE, secret=FINGERPRINT, told=quiet)
    await store.engine.dispose()  # the connection that migrated still knows how few rows there were
    said: list[tuple[str, Any]] = []
    rt = runtime(store)
    rt.time.forward(days=2000)

    def hear(conn: Any, cursor: Any, sql: str, values: Any, *more: Any) -> None:
        said.append((sql, values))

    event.listen(store.engine.sync_engine, "before_cursor_execute", hear)
    await swept(rt)
    asked = {sql: values for sql, values in said if sql.startswith(("SELECT", "DELETE"))}
    assert len(asked) > len(RULES)
    async with store.read() as tx:
        for sql, values in asked.items():
            plan = (await tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)).all()
            scans = [row[3] for row in plan if re.match(r"SCAN (?!anon_)(?!.*USING (COVERING )?INDEX)", row[3])]
            assert scans in ([], ["SCAN audit"]), sql  # audit is walked by its id, which is what a scan with LIMIT is
