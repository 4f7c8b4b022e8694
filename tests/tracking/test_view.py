"""What the storefront sees, in whatever order it was learned, and from bytes that are never old."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain import Basis, Reason, Source, Status
from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, add_leg, close_leg, register
from gateway.tracking.view import Ambiguous, Found, load_view, read_tracking
from gateway.tracking.watching import Edit, edit, flag
from gateway.words import load
from tests.servers import Postgres
from tests.tracking.parts import CHINA, NOW, FakeAggregator, World, carrier, runtime, scan

WORDS = load(Path(__file__).parents[2] / "config" / "words")
_numbers = count(1)


async def view_of(rt: World, number: str, **more: Any) -> Any:
    async with rt.store.read() as tx:
        found = await load_view(rt, tx, number, **more)
    assert isinstance(found, Found)
    view = json.loads(json.dumps(found.view))
    rendered = await read_tracking(rt, number, more.get("carrier"), more.get("locale"))
    assert rendered is not None and json.loads(rendered.body) == view  # straight from the rows, as the storefront reads
    assert list(json.loads(rendered.body)) == list(view)
    return view


def heard(*scans: Any, provider: str = "sf") -> list[Heard]:
    return [Heard(provider=provider, source=Source.WEBHOOK, scan=one, learned_at=NOW) for one in scans]


async def told(rt: World, *scans: Any) -> None:
    async with rt.store.write() as tx:
        await record(rt, tx, heard(*scans))


async def test_the_tracking_of_api_md(store: Store) -> None:
    rt = runtime(store, words=WORDS)
    promised = (NOW + timedelta(days=3)).astimezone(CHINA)
    await rt.registered("SF1", order_id="SO-1001", promised_at=promised, document={"promised_at": promised.isoformat()})
    await told(
        rt,
        scan("SF1", hours=-2, carrier_code="31", text="快件到达", place="深圳市"),
        scan("SF1", hours=-5, status=Status.PICKED_UP),
    )
    seen = await view_of(rt, "sf1", locale="zh-CN")
    (leg,) = seen.pop("legs")
    assert seen == {
        "tracking_number": "SF1", "carrier": {"code": "sf", "name": "sf快递"}, "order_id": "SO-1001",
        "status": "in_transit", "reason": None, "status_text": "运输中", "reason_text": None,
        "since": "2026-03-05T18:00:00+08:00", "promised_at": "2026-03-08T20:00:00+08:00",
        "eta": {"earliest": None, "latest": "2026-03-08T20:00:00+08:00", "basis": "promise"},
        "stalled": False, "late": False, "delivered_at": None, "sequence": 2, "updated_at": NOW.isoformat(),
    }  # fmt: skip
    assert (leg["current"], leg["status"], [one["status"] for one in leg["scans"]]) == (
        True,
        "in_transit",
        ["in_transit", "picked_up"],
    )
    assert leg["scans"][0] == {
        "at": "2026-03-05T18:00:00+08:00", "time_basis": "carrier_zone", "status": "in_transit", "reason": None,
        "inferred": False, "text": "快件到达", "place": "深圳市", "carrier_code": "31", "source": "webhook",
        "learned_at": NOW.isoformat(), "learned_late": False,
    }  # fmt: skip
    english = await view_of(rt, "SF1", locale="en-GB")
    assert (english["status_text"], english["carrier"]["name"]) == ("In transit", "SF")


async def test_a_number_known_under_two_carriers_is_asked_back(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"))
    await rt.registered("N1", "sf")
    await rt.registered("N1", "zto")
    async with store.read() as tx:
        both = await load_view(rt, tx, "N1", locale="en")
        assert isinstance(both, Ambiguous)
        assert both.candidates == ({"carrier": "sf", "name": "SF"}, {"carrier": "zto", "name": "ZTO"})
        assert isinstance(await load_view(rt, tx, "N1", "zto"), Found)
        assert await load_view(rt, tx, "N2") is None


async def test_a_further_leg_makes_one_journey(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"))
    shipment_id = await rt.registered("A1")
    async with store.read() as tx:
        first = await load_view(rt, tx, "A1")
    assert isinstance(first, Found)
    async with store.write() as tx:
        leg_b = await add_leg(rt, tx, shipment_id, carrier="zto", tracking_number="B1", reference="case-1")
        assert await add_leg(rt, tx, shipment_id, carrier="zto", tracking_number="B1") == leg_b
    leg_a = rt.changes[0].leg_id
    async with store.write() as tx:
        await close_leg(rt, tx, leg_a, "cancelled")
        await close_leg(rt, tx, leg_a, "cancelled")
    seen = await view_of(rt, "A1")
    assert (seen["tracking_number"], seen["carrier"]["code"], seen["status"]) == ("B1", "zto", "pre_transit")
    assert [(leg["tracking_number"], leg["current"], leg["status"]) for leg in seen["legs"]] == [
        ("A1", False, "cancelled"),
        ("B1", True, "pre_transit"),
    ]
    assert seen["sequence"] == 3
    await told(rt, scan("A1", hours=2, status=Status.DELIVERED))
    assert (await view_of(rt, "B1"))["tracking_number"] == "A1", "whoever delivers carried it"


readings = st.builds(
    lambda provider, hours, status, text, basis, order: (provider, hours, status, text, basis, order),
    st.sampled_from(["sf", "agg"]),
    st.integers(-6, 6),
    st.sampled_from([one for one in Status if one not in {Status.INFO}]),
    st.sampled_from(["", "快件到达", "arrived", "退回"]),
    st.sampled_from([Basis.CARRIER_ZONE, Basis.UNKNOWN]),
    st.integers(0, 2),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_repetition_and_delay_shows_the_same(database_url: str, data: st.DataObject) -> None:
    """One event loop per example: the store is opened inside."""
    facts = data.draw(st.lists(readings, min_size=1, max_size=6))
    other = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=3))))
    cuts = data.draw(st.lists(st.integers(0, len(other)), max_size=3).map(sorted))
    batches = [other[a:b] for a, b in zip([0, *cuts], [*cuts, len(other)], strict=True)]
    asyncio.run(_same(database_url, [facts], batches))


async def _same(url: str, one: list[Any], other: list[Any]) -> None:
    opened = connect(url)
    try:
        await upgrade(opened)
        shown = []
        for batches, late in ((one, False), (other, True)):
            rt = runtime(opened, carrier("sf", aliases={"agg": "shunfeng"}), carrier("agg", FakeAggregator))
            number = f"N{next(_numbers)}"
            if not late:
                await rt.registered(number)
            for batch in batches:
                async with opened.write() as tx:
                    await record(rt, tx, [_heard(number, *fact) for fact in batch])
                rt.time.forward(hours=1)
            if late:  # all of it waited for the registration
                rt.time.now = NOW
                await rt.registered(number)
            seen = await view_of(rt, number)
            shown.append(json.loads(json.dumps(seen).replace(number, "N")))
        for seen in shown:
            del seen["sequence"], seen["updated_at"]
        assert shown[0] == shown[1]
    finally:
        await opened.close()


def _heard(number: str, provider: str, hours: int, status: Status, text: str, basis: Basis, order: int) -> Heard:
    company = "shunfeng" if provider == "agg" else None
    code = text and f"c-{text}"
    told = scan(number, hours=hours, status=status, text=text, carrier_code=code, company=company, order=order)
    return Heard(provider=provider, source=Source.WEBHOOK, scan=told, learned_at=NOW)


async def test_a_hit_costs_no_sql_and_is_never_old(store: Store) -> None:
    rt = runtime(store, carrier("sf"), carrier("zto"), words=WORDS)
    shipment_id = await rt.registered("A1")
    first = await read_tracking(rt, "a1", locale="zh")
    assert first is not None
    assert await read_tracking(rt, "A1", locale="zh-CN") is first
    await told(rt, scan("A1"))
    second = await read_tracking(rt, "A1", locale="zh")
    assert second is not None
    assert second.etag != first.etag
    async with store.write() as tx:
        await flag(rt, tx, shipment_id, stalled=True)
        await flag(rt, tx, shipment_id, stalled=True)
    third = await read_tracking(rt, "A1", locale="zh")
    assert third is not None
    assert json.loads(third.body)["stalled"] is True
    assert json.loads(third.body)["sequence"] == 3
    await rt.registered("A1", "zto")
    fourth = await read_tracking(rt, "A1", locale="zh")
    assert fourth is not None
    assert (fourth.status, len(json.loads(fourth.body)["candidates"])) == (300, 2)
    assert await read_tracking(rt, "nobody") is None


async def test_what_another_process_wrote_is_seen(postgres: Postgres) -> None:
    postgres.create("two_processes")
    store = connect(postgres.url("two_processes"))
    await upgrade(store)
    here, there = runtime(store), runtime(store)
    await there.registered("A1")
    first = await read_tracking(here, "A1")
    assert await read_tracking(here, "A1") is first
    await told(there, scan("A1"))
    second = await read_tracking(here, "A1")
    assert second is not None
    assert json.loads(second.body)["status"] == "in_transit"
    await store.close()


async def test_an_edit_moves_the_sequence_and_keeps_the_offset_of_the_promise(store: Store) -> None:
    rt = runtime(store)
    shipment_id = await rt.registered("A1", document={"metadata": {"a": 1}})
    promised = (NOW + timedelta(days=1)).astimezone(CHINA)
    async with store.write() as tx:
        await edit(rt, tx, shipment_id, Edit(promised_at=promised, document={"metadata": {"b": 2}}))
    seen = await view_of(rt, "A1")
    assert (seen["promised_at"], seen["sequence"]) == (promised.isoformat(), 2)
    assert (await rt.shipment(shipment_id)).document["metadata"] == {"b": 2}


async def test_the_same_registration_again_is_the_first_one(store: Store) -> None:
    rt = runtime(store)
    new = NewShipment(order_id="SO-1", carrier="sf", tracking_number="A 1")

    async def once() -> Any:
        async with store.write() as tx:
            return await register(rt, tx, new)

    answers = await asyncio.gather(*(once() for _ in range(5)))
    assert len({one.id for one in answers}) == 1
    assert [one.created for one in answers].count(True) == 1
    assert len(rt.changes) == 1


def test_every_word_has_a_text_in_both_languages(tmp_path: Path) -> None:
    assert WORDS.status("zh-TW", Status.DELIVERED) == "已签收"
    assert WORDS.reason("en", Reason.WEATHER) == "Weather"
    assert WORDS.status("fr", Status.DELIVERED) == "已签收"
    (tmp_path / "en.yaml").write_text("status: {delivered: ''}\nreason: []\n")
    with pytest.raises(ValueError, match=r"en\.yaml: status\.delivered: a text is needed"):
        load(tmp_path)
