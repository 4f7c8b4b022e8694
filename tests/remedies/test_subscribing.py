"""Asking for pushes keeps to what the account is allowed."""

from __future__ import annotations

from gateway.contract import Can, Unavailable
from gateway.domain import LegRef
from gateway.remedies.deliver import deliver_due
from gateway.store import health, legs, outbox
from gateway.store.engine import Store
from tests.tracking.parts import Clock, FakeSubscribing, carrier, poll_due, runtime


class Limited(FakeSubscribing):
    """Says no to every call until the test says otherwise."""

    calls = 0
    well = False

    async def subscribe(self, leg: LegRef) -> None:
        type(self).calls += 1
        if not self.well:
            raise Unavailable("slow down", code="429", retry_after=3600)


class LimitedDeaf(Limited):
    can = Can.WEBHOOK | Can.SUBSCRIBE


async def test_one_that_is_told_to_wait_asks_for_no_other_leg_meanwhile(store: Store) -> None:
    Limited.calls, Limited.well = 0, False
    now = Clock()
    rt = runtime(store, carrier("sf", Limited), clock=now)
    rt.limits._clock = lambda: now.now.timestamp()
    for number in range(5):
        await rt.registered(f"A{number}", order_id=f"SO-{number}")
    await deliver_due(rt, 1)
    assert Limited.calls == 1
    await deliver_due(rt)
    assert await poll_due(rt) == 0
    assert Limited.calls == 1
    assert rt.fake("sf").asked == []
    Limited.well = True
    now.forward(hours=2)
    await deliver_due(rt)
    assert Limited.calls == 6


async def test_what_the_leg_says_is_not_kept_as_a_deed_as_well(store: Store) -> None:
    """One comes with every shipment."""
    Limited.calls, Limited.well = 0, True
    rt = runtime(store, carrier("sf", Limited))
    shipment = await rt.registered("A1")
    async with store.read() as tx:
        assert len(await outbox.live_of_shipment(tx, shipment, "subscribe")) == 1
    await deliver_due(rt)
    await deliver_due(rt)
    assert Limited.calls == 1
    async with store.read() as tx:
        (leg,) = await legs.of_shipments(tx, [shipment])
        assert await outbox.of_kind(tx, "subscribe") == []
    assert leg.subscribed_until is not None and leg.subscribed_until > rt.clock()


async def test_one_that_wants_no_call_for_an_hour_is_unheard_at_once(store: Store) -> None:
    """No poll is made meanwhile, so none would fail."""
    Limited.calls, Limited.well = 0, False
    rt = runtime(store, carrier("sf", Limited))
    await rt.registered("A1")
    await deliver_due(rt, 1)
    async with store.read() as tx:
        assert (await health.every(tx))["sf"].failures >= rt.policies.stalls.blindness.failures


async def test_one_that_is_never_polled_is_not_unheard_by_it(store: Store) -> None:
    """Nothing would ever say that it is well again."""
    LimitedDeaf.calls = 0
    rt = runtime(store, carrier("sf", LimitedDeaf))
    await rt.registered("A1")
    await deliver_due(rt, 1)
    assert LimitedDeaf.calls == 1
    async with store.read() as tx:
        assert "sf" not in await health.every(tx)
