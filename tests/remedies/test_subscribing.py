"""Asking for pushes keeps to what the account is allowed."""

from __future__ import annotations

from gateway.contract import Can, Unavailable
from gateway.domain import LegRef
from gateway.remedies.deliver import deliver_due
from gateway.store import health
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
