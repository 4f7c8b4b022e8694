"""Reads of numbers: those that wait are asked for together, and what is read of a history is what it says."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from gateway.rules.history import Held
from gateway.store.away import BROKEN
from gateway.store.engine import Store
from gateway.store.history import encode, lines
from gateway.store.reading import Reading
from gateway.store.tables import micros
from gateway.tracking.reading import unread
from gateway.tracking.register import add_leg
from gateway.tracking.view import scan_view
from tests.store.test_history import helds
from tests.tracking.parts import carrier, runtime

histories = st.lists(helds(st.lists(helds(st.just(())), max_size=2).map(tuple)), max_size=4)
lates = st.integers(0, 100).map(lambda hours: timedelta(hours=hours))


@given(histories, lates)
def test_what_is_shown_of_a_history_is_what_it_says(history: list[Held], late: timedelta) -> None:
    shown = lines(encode(history), late)
    if unread(history):
        assert shown is None
    else:
        assert shown == [(micros(held.scan.at), scan_view(held, late)) for held in history]


async def test_whoever_waits_is_answered_together(store: Store) -> None:
    rt = runtime(store)
    ids = {number: await rt.registered(number) for number in ("A1", "B2", "C3")}
    reading, taken = Reading(store), []
    event.listen(store.engine.sync_engine, "checkout", lambda *given: taken.append(given))
    asked = ["A1", "B2", "A1", "C3", "D4"]
    found = await asyncio.gather(*map(reading.of_number, asked))
    assert [[row.id for row in rows] for rows in found] == [[ids[number]] if number in ids else [] for number in asked]
    assert len(taken) == 1
    assert await reading.of_number("B2") == found[1]


async def test_a_leg_stands_once_and_with_its_siblings(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"))
    shipment = await rt.registered("A1")
    async with store.write() as tx:
        await add_leg(rt, tx, shipment, carrier="zto", tracking_number="A1")
        await add_leg(rt, tx, shipment, carrier="zto", tracking_number="Z9")
    for number in ("A1", "Z9"):
        rows = await rt.reading.of_number(number)
        assert [(row.leg_carrier, row.leg_number) for row in rows] == [("sf", "A1"), ("zto", "A1"), ("zto", "Z9")]


async def test_one_who_leaves_keeps_nobody_waiting(store: Store) -> None:
    rt = runtime(store)
    await rt.registered("A1")
    leaving = asyncio.create_task(rt.reading.of_number("A1"))
    staying = asyncio.create_task(rt.reading.of_number("A1"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert len(await staying) == 1


async def test_what_goes_wrong_is_told_to_everybody_who_waits_and_to_nobody_after(store: Store) -> None:
    reading = Reading(store)
    await _rename(store, "legs", "elsewhere")
    told = await asyncio.gather(reading.of_number("A1"), reading.of_number("B2"), return_exceptions=True)
    assert all(isinstance(one, BROKEN) and "legs" in str(one) for one in told)
    await _rename(store, "elsewhere", "legs")
    assert await reading.of_number("A1") == []


async def test_the_connection_is_let_go_of_at_the_end(store: Store) -> None:
    reading = Reading(store)
    await reading.of_number("A1")
    assert store.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    await reading.close()
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def _rename(store: Store, old: str, new: str) -> None:
    async with store.write() as tx:
        await tx.conn.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
