"""The poll loop: each carrier on its own, at its own pace, and somebody else while its API is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from gateway.contract import BadPayload, Rate, Refused, Unavailable
from gateway.domain import Source, Status
from gateway.limits import LocalLimits
from gateway.store import health, legs, polls
from gateway.store.away import StoreAway
from gateway.store.engine import Store, Tx
from gateway.store.history import decode
from gateway.tracking.accounts import CONFIG_PAUSE, FALLBACK_AFTER
from gateway.tracking.poll import Polling, poll_carrier
from gateway.tracking.refresh import CannotAsk, TooSoon, refresh
from gateway.tracking.watching import stop
from tests.tracking.parts import NOW, Fake, FakeAggregator, FakeDeaf, World, carrier, poll_due, runtime, scan


class Patient(LocalLimits):
    """Limits on the clock of the test: nobody really sleeps, waiting moves the clock."""


def world(store: Store, *given: Any, **more: Any) -> World:
    rt = runtime(store, *given, **more)

    async def sleep(seconds: float) -> None:
        rt.time.forward(seconds=seconds)

    rt.limits = Patient(clock=lambda: rt.time.now.timestamp(), sleep=sleep)
    return rt


async def leg_of(rt: World, shipment_id: str) -> tuple[Any, Any]:
    async with rt.store.read() as tx:
        (leg,) = await legs.of_shipments(tx, [shipment_id])
        return leg, await polls.of_leg(tx, leg.id)


async def health_of(rt: World, code: str = "sf") -> Any:
    async with rt.store.read() as tx:
        return await health.of(tx, code)


async def test_due_legs_are_asked_in_batches_and_recorded(store: Store) -> None:
    rt = world(store)
    ids = {number: await rt.registered(number) for number in ("A1", "A2", "A3", "A4")}
    rt.fake("sf").answer = lambda asked: [scan(leg.tracking_number, hours=-1) for leg in asked]
    assert await poll_due(rt) == 4
    assert sorted(len(batch) for batch in rt.fake("sf").numbers) == [1, 3]
    for shipment_id in ids.values():
        assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    leg, poll = await leg_of(rt, ids["A1"])
    assert (leg.polled_at, leg.heard_at) == (NOW, NOW)
    assert poll.due_at > NOW + timedelta(hours=3)
    assert rt.changes[-1].source is Source.POLL
    assert await poll_due(rt) == 0


async def test_a_number_that_is_not_found_is_asked_again_later(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    await poll_due(rt)
    leg, poll = await leg_of(rt, shipment_id)
    assert (leg.polled_at, leg.heard_at) == (NOW, None)
    assert poll.due_at > NOW + timedelta(hours=1)
    assert (await rt.shipment(shipment_id)).sequence == 1


async def test_an_answer_without_news_is_an_answer(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    known, absurd = [scan(hours=-2), scan(hours=-1)], scan(hours=-24 * 365 * 40)
    for turn, told in enumerate((known, known[::-1], [absurd, *known], [*known, scan()])):
        rt.fake("sf").answer = lambda asked, told=told: told
        rt.time.forward(days=turn)
        assert await poll_due(rt) == 1
        leg, poll = await leg_of(rt, shipment_id)
        assert (leg.polled_at, leg.heard_at) == (rt.clock(), rt.clock())
        assert poll.due_at > rt.clock()
        assert (await rt.shipment(shipment_id)).sequence == (3 if turn == 3 else 2)
        assert [held.scan for held in decode(leg.history)] == (known if turn < 3 else [*known, scan()])


async def test_the_adapter_is_told_what_it_needs(store: Store) -> None:
    rt = world(store, carrier("sf", FakeAggregator, aliases={"sf": "shunfeng"}))
    document = {"recipient": {"phone": "+8613800000000"}, "destination": {"country": "CN", "region": "Guangdong"}}
    await rt.registered("A1", document=document, reference="BOOK-1", extra={"station": "7"})
    await poll_due(rt)
    ((leg,),) = rt.fake("sf").asked
    assert (leg.company, leg.phone, leg.reference) == ("shunfeng", "+8613800000000", "BOOK-1")
    assert (leg.destination, leg.extra) == ("CN-Guangdong", {"station": "7"})


async def test_429_is_honoured_and_the_account_rests(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    rt = world(store)
    first, _ = await rt.registered("A1"), await rt.registered("A2")
    rt.fake("sf").answer = lambda asked: Unavailable("slow down", code="429", retry_after=900)
    await poll_due(rt)
    _, poll = await leg_of(rt, first)
    assert poll.due_at >= NOW + timedelta(seconds=900)
    assert poll.failures == 1
    rt.time.forward(minutes=10)
    assert await poll_due(rt) == 0
    rt.fake("sf").answer = lambda asked: []
    rt.time.forward(minutes=10)
    assert await poll_due(rt) > 0
    lost = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lost) == 2
    assert "cannot be polled" in lost[0]
    assert "answers again" in lost[1]
    assert (await health_of(rt)).failures == 0
    await rt.registered("A3")
    await poll_due(rt)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 2


async def test_one_that_wants_no_call_for_an_hour_is_unheard_at_once(store: Store) -> None:
    """It is not asked again to be sure, so its failures would never be enough for an incident."""
    rt = world(store)
    await rt.registered("A1")
    rt.fake("sf").answer = lambda asked: Unavailable("slow down", code="429", retry_after=3600)
    await poll_due(rt)
    assert len(rt.fake("sf").asked) == 1
    assert (await health_of(rt)).failures >= rt.policies.stalls.blindness.failures
    rt.time.forward(minutes=59)
    assert await poll_due(rt) == 0


async def test_failures_wait_longer_each_time(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    rt.fake("sf").answer = lambda asked: Unavailable("down")
    waits = []
    for _ in range(3):
        await poll_due(rt)
        _, poll = await leg_of(rt, shipment_id)
        waits.append(poll.due_at - rt.clock())
        rt.time.now = poll.due_at
    assert waits[0] < waits[1] < waits[2]
    row = await health_of(rt)
    assert (row.failures, row.failing_since, row.last_error) == (3, NOW, "down")
    assert row.heard_at is None


async def test_the_fallback_is_read_while_the_own_api_is_down(store: Store) -> None:
    rt = world(store, carrier("sf", fallback="agg", aliases={"agg": "shunfeng"}), carrier("agg", FakeAggregator))
    shipment_id = await rt.registered()
    rt.fake("sf").answer = lambda asked: Unavailable("down")
    rt.fake("agg").answer = lambda asked: [scan("a1", hours=-1, company="shunfeng")]
    for _ in range(FALLBACK_AFTER):
        await poll_due(rt)
        _, poll = await leg_of(rt, shipment_id)
        rt.time.now = max(rt.time.now, poll.due_at)
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    (held,) = rt.changes[-1].fresh
    assert (held.source, held.direct, held.provider) == (Source.FALLBACK, False, "agg")
    ((asked,),) = rt.fake("agg").asked
    assert asked.company == "shunfeng"
    row = await health_of(rt)
    assert row.failures == FALLBACK_AFTER
    assert row.heard_at is not None
    await poll_due(rt)
    rt.fake("sf").answer = lambda asked: []
    rt.time.forward(days=1)
    await poll_due(rt)
    assert (await health_of(rt)).failures == 0, "the own API is tried again by itself"


async def test_wrong_credentials_rest_the_whole_account(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered("A1")
    rt.fake("sf").answer = lambda asked: Refused("bad key", config=True)
    await poll_due(rt)
    assert len(rt.fake("sf").asked) == 1
    _, poll = await leg_of(rt, shipment_id)
    assert poll.due_at >= NOW + timedelta(seconds=CONFIG_PAUSE)
    await rt.registered("A2")
    assert await poll_due(rt) == 0
    assert (await health_of(rt)).last_error == "bad key"


@pytest.mark.parametrize("error", [Refused("no such number"), BadPayload("not the documented shape")])
async def test_one_bad_number_in_a_batch_waits_alone(store: Store, error: Exception) -> None:
    rt = world(store)
    ids = {number: await rt.registered(number) for number in ("A1", "BAD", "A3")}

    def answer(asked: Any) -> Any:
        numbers = [leg.tracking_number for leg in asked]
        return error if "BAD" in numbers else [scan(number) for number in numbers]

    rt.fake("sf").answer = answer
    await poll_due(rt)
    assert (await rt.shipment(ids["A1"])).status is Status.IN_TRANSIT
    assert (await rt.shipment(ids["A3"])).status is Status.IN_TRANSIT
    _, poll = await leg_of(rt, ids["BAD"])
    assert poll.failures == 1
    assert (await health_of(rt)).failures == 0


async def test_a_bug_in_an_adapter_is_a_failure_with_a_traceback(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rt = world(store)
    await rt.registered()
    rt.fake("sf").answer = lambda asked: KeyError("traces")
    await poll_due(rt)
    assert (await health_of(rt)).last_error == "internal: KeyError('traces')"
    assert any(record.exc_info for record in caplog.records)


async def test_a_carrier_that_hangs_holds_up_no_other(store: Store) -> None:
    rt = world(store, carrier("sf", settings={"k": 1}), carrier("zto", settings={"k": 2}))
    await rt.registered("A1", "sf")
    moving = await rt.registered("Z1", "zto")
    rt.fake("sf").hang = asyncio.Event()
    rt.fake("zto").answer = lambda asked: [scan("Z1")]
    polling = Polling(rt)
    await polling.tick()
    async with asyncio.timeout(20):
        await rt.fake("sf").called.wait()
        with rt.signals.listen(moving) as changes:
            if (await rt.shipment(moving)).sequence == 1:
                await changes.get()
    assert (await rt.shipment(moving)).status is Status.IN_TRANSIT
    await polling.tick()
    assert len(rt.fake("sf").asked) == 1
    rt.fake("sf").hang.set()
    await polling.close()
    assert len(rt.fake("sf").asked) == 1


async def test_giving_up_is_paperwork_and_stops_the_questions(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    for _ in range(60):
        rt.time.forward(days=1)
        await poll_due(rt)
    after = await rt.shipment(shipment_id)
    assert after.status is Status.EXPIRED
    assert rt.changes[-1].fresh[0].scan.carrier_code == "gateway.expired"
    _, poll = await leg_of(rt, shipment_id)
    assert poll.due_at is None
    asked = len(rt.fake("sf").asked)
    rt.time.forward(days=30)
    await poll_due(rt)
    assert len(rt.fake("sf").asked) == asked


async def test_the_account_is_never_asked_faster_than_it_allows(store: Store) -> None:
    class Slow(Fake):
        batch = 1
        rate = Rate(2, 10)

    rt = world(store, carrier("sf", Slow))
    for number in range(6):
        await rt.registered(f"A{number}")
    times = []
    rt.fake("sf").answer = lambda asked: times.append(rt.clock()) or []
    await poll_due(rt)
    assert len(times) == 6
    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in zip(times, times[2:], strict=False))


async def test_a_worker_that_lost_its_lease_writes_nothing(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    leg, _ = await leg_of(rt, shipment_id)
    rt.fake("sf").hang = asyncio.Event()
    rt.fake("sf").answer = lambda asked: [scan()]
    async with asyncio.TaskGroup() as group:
        group.create_task(poll_carrier(rt, "sf"))
        async with asyncio.timeout(20):
            await rt.fake("sf").called.wait()
        async with store.write() as tx:
            await polls.take(tx, leg.id, "sf", rt.clock() + timedelta(minutes=5))
        rt.fake("sf").hang.set()
    assert (await rt.shipment(shipment_id)).sequence == 1
    _, poll = await leg_of(rt, shipment_id)
    assert poll.due_at == NOW + timedelta(minutes=5)


async def test_a_leg_that_waits_for_its_answer_is_ours_for_longer_than_a_lease(store: Store) -> None:
    rt = world(store, lease=timedelta(milliseconds=60))
    shipment_id = await rt.registered()
    fake = rt.fake("sf")
    fake.hang = asyncio.Event()
    fake.answer = lambda asked: [scan()]
    asking = asyncio.create_task(poll_carrier(rt, "sf"))
    async with asyncio.timeout(20):
        await fake.called.wait()
        for _ in range(4):
            claimed = (await leg_of(rt, shipment_id))[1]
            rt.time.now = claimed.due_at - timedelta(milliseconds=1)
            while (await leg_of(rt, shipment_id))[1].due_at == claimed.due_at:
                pass
    assert rt.clock() > NOW + 3 * rt.lease
    assert await poll_carrier(rt, "sf") == 0
    fake.hang.set()
    assert await asking == 1
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    assert "polls:keep" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_lease_is_not_kept_up_once_the_poll_has_ended(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    async with store.write() as tx:
        (claimed,) = await polls.claim(tx, "sf", NOW, limit=1, lease=rt.lease)
        until, later = NOW + rt.lease, NOW + 2 * rt.lease
        assert await polls.keep(tx, [claimed.leg_id], until, later) == [claimed.leg_id]
        assert await polls.keep(tx, [claimed.leg_id], until, later) == []
        tomorrow = NOW + timedelta(days=1)
        await polls.end_many(tx, [polls.End(leg_id=claimed.leg_id, fence=claimed.fence, due_at=tomorrow)])
        assert await polls.keep(tx, [claimed.leg_id], later, later + rt.lease) == []
    assert (await leg_of(rt, shipment_id))[1].due_at == tomorrow


async def test_a_leg_of_a_process_that_died_is_asked_about_after_one_lease(store: Store) -> None:
    rt = world(store)
    await rt.registered()
    async with store.write() as tx:
        assert len(await polls.claim(tx, "sf", rt.clock(), limit=1, lease=rt.lease)) == 1
    rt.time.forward(seconds=rt.lease.total_seconds() - 1)
    assert await poll_due(rt) == 0
    rt.time.forward(seconds=1)
    assert await poll_due(rt) == 1


async def test_a_shipment_nobody_watches_is_not_asked_about(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    async with store.write() as tx:
        await stop(rt, tx, shipment_id)
    assert await poll_due(rt) == 0
    assert not (await rt.shipment(shipment_id)).watching


async def test_refresh_asks_now_and_not_too_soon(store: Store) -> None:
    class Careful(Fake):
        min_interval = 1800

    rt = world(store, carrier("sf", Careful))
    shipment_id = await rt.registered()
    rt.fake("sf").answer = lambda asked: [scan()]
    assert (await refresh(rt, shipment_id)).status is Status.IN_TRANSIT
    rt.time.forward(minutes=10)
    with pytest.raises(TooSoon) as soon:
        await refresh(rt, shipment_id)
    assert (soon.value.retry_after, soon.value.age) == (1200, 600)
    assert len(rt.fake("sf").asked) == 1
    assert await poll_due(rt) == 0
    rt.time.forward(minutes=20)
    await refresh(rt, shipment_id)
    assert len(rt.fake("sf").asked) == 2


async def test_a_refresh_that_fails_says_so_and_may_not_be_repeated_at_once(store: Store) -> None:
    class Careful(Fake):
        min_interval = 60

    rt = world(store, carrier("sf", Careful))
    shipment_id = await rt.registered()
    rt.fake("sf").answer = lambda asked: Unavailable("down")
    with pytest.raises(Unavailable):
        await refresh(rt, shipment_id)
    with pytest.raises(TooSoon):
        await refresh(rt, shipment_id)
    assert len(rt.fake("sf").asked) == 1


async def test_a_carrier_that_only_pushes_cannot_be_asked(store: Store) -> None:
    rt = world(store, carrier("sf", FakeDeaf))
    shipment_id = await rt.registered()
    assert await poll_due(rt) == 0
    with pytest.raises(CannotAsk):
        await refresh(rt, shipment_id)


async def test_answers_that_nobody_can_read_are_silence(store: Store) -> None:
    """A page of maintenance in place of an answer: the carrier is not heard, and its parcels are not asked about."""
    rt = runtime(store)
    shipment_id = await rt.registered("A1")
    rt.fake("sf").answer = lambda asked: BadPayload("not JSON", raw=b"<html>")
    for failures in range(1, 6):
        rt.time.forward(days=1)
        await poll_due(rt)
        async with store.read() as tx:
            (leg,) = await legs.of_shipments(tx, [shipment_id])
            row = (await health.every(tx))["sf"]
        assert (row.failures, row.last_error, row.heard_at) == (failures, "not JSON; it began: <html>", None)
        assert leg.polled_at is None
    rt.fake("sf").answer = lambda asked: []
    rt.time.forward(days=1)
    await poll_due(rt)
    async with store.read() as tx:
        row = (await health.every(tx))["sf"]
    assert (row.failures, row.heard_at) == (0, rt.clock())


async def test_a_carrier_that_answers_rubbish_is_read_through_its_fallback(store: Store) -> None:
    rt = runtime(store, carrier("sf", fallback="agg", aliases={"agg": "shunfeng"}), carrier("agg", FakeAggregator))
    shipment_id = await rt.registered("A1")
    rt.fake("sf").answer = lambda asked: BadPayload("not JSON")
    rt.fake("agg").answer = lambda asked: [scan("A1", company="shunfeng")]
    for _ in range(FALLBACK_AFTER):
        rt.time.forward(days=1)
        await poll_due(rt)
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT


async def test_answers_that_wait_are_written_together_and_a_lost_lease_among_them_alone_is_not(store: Store) -> None:
    rt = world(store, carrier("sf", settings={"calls_per_second": 1000}))
    ids = {number: await rt.registered(number) for number in (f"A{number:02}" for number in range(12))}
    lost, _ = await leg_of(rt, ids["A05"])
    rt.fake("sf").hang = asyncio.Event()
    rt.fake("sf").answer = lambda asked: [scan(leg.tracking_number, hours=-1) for leg in asked[1:]]
    async with asyncio.TaskGroup() as group:
        group.create_task(poll_carrier(rt, "sf"))
        async with asyncio.timeout(20):
            while len(rt.fake("sf").asked) < 4:
                rt.fake("sf").called.clear()
                await rt.fake("sf").called.wait()
        async with store.write() as tx:
            await polls.take(tx, lost.id, "sf", rt.clock() + timedelta(minutes=5))
        rt.fake("sf").hang.set()
    unnamed = {batch[0] for batch in rt.fake("sf").numbers}
    for number, shipment_id in ids.items():
        leg, poll = await leg_of(rt, shipment_id)
        mine = number != "A05"
        assert (await rt.shipment(shipment_id)).sequence == (2 if mine and number not in unnamed else 1)
        assert leg.polled_at == (NOW if mine else None)
        assert (poll.due_at > NOW + timedelta(hours=1)) == mine


async def test_polls_cut_off_by_the_store_are_due_again_as_soon_as_it_is_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rt = world(store)
    shipment_id = await rt.registered()
    rt.fake("sf").hang = asyncio.Event()
    polling = Polling(rt)
    async with asyncio.timeout(20):
        await polling.tick()
        await rt.fake("sf").called.wait()
    rt.store = Away(store.engine)
    rt.fake("sf").hang.set()
    async with asyncio.timeout(20):
        await polling.idle()
    with pytest.raises(StoreAway):
        await polling.tick()
    rt.store = store
    rt.fake("sf").answer = lambda asked: [scan()]
    async with asyncio.timeout(20):
        await polling.tick()
        await polling.idle()
    assert (await rt.shipment(shipment_id)).status is Status.IN_TRANSIT
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    await polling.close()


class Away(Store):
    """A store that nobody can reach."""

    @asynccontextmanager
    async def read(self, *, within: float | None = None) -> AsyncIterator[Tx]:
        raise StoreAway("restarting")
        yield

    write = read
