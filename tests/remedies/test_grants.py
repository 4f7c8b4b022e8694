"""Money: once per claim, within caps and budget, never in the dark, and taken back when it was for nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.cases.actions import approve, reject, retry
from gateway.cases.report import Report, report_exception
from gateway.domain import Reason, Status
from gateway.remedies.grants import compensate
from gateway.remedies.withdraw import expire
from gateway.rules.policy import Compensation
from gateway.store import outbox
from gateway.store.engine import Store
from gateway.store.queues import LeaseLost
from tests.remedies.world import DOCUMENT, POLICIES, Killed, World, die, world

KIND = "stall_in_transit"
UNLIMITED = POLICIES["compensation"]["caps"]


def giving(*remedies: dict[str, Any], approval: bool = False) -> dict[str, Any]:
    book = {"approval": approval, "remedies": list(remedies) or [{"do": "coupon", "tier": "sorry"}]}
    return {"playbooks": {"default": {}, KIND: book}}


def paying(**more: Any) -> dict[str, Any]:
    return {**POLICIES["compensation"], **more}


def capped(**caps: int) -> dict[str, Any]:
    return paying(caps={**UNLIMITED, **caps})


async def stalled(rt: World, *orders: str) -> list[str]:
    """A parcel of each order, on its way and then not."""
    ids = [await rt.register(f"SF{number}", order) for number, order in enumerate(orders or ("SO-1",), 1)]
    for number in range(1, len(ids) + 1):
        await rt.hear(f"SF{number}", Status.IN_TRANSIT)
    await rt.stall(*ids)
    return ids


async def outcomes(rt: World) -> list[tuple[str, str | None]]:
    return sorted((grant.state, grant.reason) for grant in await rt.grants())


async def test_a_code_is_made_of_the_claim_and_cannot_be_guessed(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)
    await rt.deliver()
    (grant,) = await rt.grants()
    assert grant.claim == f"SO-1|{KIND}|0"
    assert (grant.amount, grant.currency, grant.state, grant.order_id) == ("10", "CNY", "issued", "SO-1")
    prefix, *blocks = grant.code.split("-")
    assert (prefix, [len(block) for block in blocks]) == ("SORRY", [4, 4, 4])
    assert grant.expires_at == rt.clock() + timedelta(days=90)
    assert "+86" not in grant.customer and len(grant.customer) == 64
    (coupon,) = (await rt.case(KIND))["remedies"]
    assert coupon["result"]["code"] == grant.code


async def test_killed_after_the_ledger_was_written_it_is_the_same_coupon(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)

    async def cut(runtime: Any, row: Any) -> Any:
        await compensate(runtime, row)
        raise Killed

    await die(rt, coupon=cut)
    (written,) = await rt.grants()
    assert (await rt.deeds("coupon"))[0].state == "doing"
    rt.time.forward(seconds=rt.lease.total_seconds() + 1)
    await rt.deliver()
    (again,) = await rt.grants()
    assert (again.id, again.code) == (written.id, written.code)
    assert (await rt.deeds("coupon"))[0].result["grant_id"] == written.id


async def test_two_parcels_of_an_order_are_one_claim(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt, "SO-1", "SO-1")
    await asyncio.gather(*(rt.deliver() for _ in range(4)))
    assert await outcomes(rt) == [("issued", None)]
    assert sorted(deed.state for deed in await rt.deeds("coupon")) == ["done", "dropped"]


async def test_a_new_version_of_the_policy_does_not_double_what_was_decided(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)
    document = Compensation.model_validate(paying(tiers={"sorry": {"amount": 20, "currency": "CNY"}}))
    await rt.deliver()
    async with store.write() as tx:
        await rt.policies.put(tx, "compensation", document, expected=0, who="ops", now=rt.clock())
    await rt.deliver()
    assert await outcomes(rt) == [("issued", None)]


@pytest.mark.parametrize(
    "caps, reason",
    [
        ({"per_day": 2}, "cap_day"),
        ({"per_customer_30_days": 2}, "cap_customer"),
        ({"per_address_30_days": 2}, "cap_address"),
    ],
)
async def test_caps_hold_with_four_workers_at_once(store: Store, caps: dict[str, int], reason: str) -> None:
    rt = world(store, playbooks=giving(), compensation=capped(**caps))
    await stalled(rt, *(f"SO-{number}" for number in range(6)))
    await asyncio.gather(*(rt.deliver() for _ in range(4)))
    assert await outcomes(rt) == [("issued", None)] * 2 + [("refused", reason)] * 4


async def test_a_budget_holds(store: Store) -> None:
    rt = world(store, playbooks=giving(), compensation=paying(budgets=[{"currency": "CNY", "per_month": "25"}]))
    await stalled(rt, *(f"SO-{number}" for number in range(4)))
    await asyncio.gather(*(rt.deliver() for _ in range(4)))
    assert await outcomes(rt) == [("issued", None)] * 2 + [("refused", "budget")] * 2


async def test_what_was_refused_may_be_granted_when_there_is_room_again(store: Store) -> None:
    rt = world(store, playbooks=giving(), compensation=capped(per_day=1))
    await stalled(rt, "SO-1", "SO-2")
    await rt.deliver()
    assert await outcomes(rt) == [("issued", None), ("refused", "cap_day")]
    rt.time.forward(days=1)
    for case in await rt.cases(KIND):
        if case["remedies"][0]["state"] == "refused":
            await rt.speaks("sf")
            await retry(rt, case["id"], who="ops")
    await rt.deliver()
    assert await outcomes(rt) == [("issued", None)] * 2


async def test_a_large_one_waits_for_a_person(store: Store) -> None:
    rt = world(
        store, playbooks=giving({"do": "coupon", "tier": "big"}), compensation=paying(approval_above={"CNY": 50})
    )
    await stalled(rt)
    await rt.deliver()
    case = await rt.case(KIND)
    assert (case["state"], await rt.grants()) == ("waiting", [])
    await approve(rt, case["id"], who="boss")
    await rt.deliver()
    assert await outcomes(rt) == [("issued", None)]


async def test_a_playbook_may_ask_for_approval_of_everything(store: Store) -> None:
    rt = world(store, playbooks=giving(approval=True))
    await stalled(rt)
    await rt.deliver()
    case = await rt.case(KIND)
    assert (case["state"], await rt.grants()) == ("waiting", [])
    await reject(rt, case["id"], who="boss", note="no")
    await rt.deliver()
    assert await rt.grants() == []
    assert (await rt.remedies(KIND))["coupon"] == "dropped"


async def test_whose_fault_it_is_decides(store: Store) -> None:
    rt = world(store, playbooks={"playbooks": {"default": {"remedies": [{"do": "coupon", "tier": "sorry"}]}}})
    await rt.register()
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.REFUSED)
    await rt.deliver()
    assert await outcomes(rt) == [("refused", "excluded_fault")]


async def test_points_and_refund_requests_are_in_the_same_books(store: Store) -> None:
    tiers = {
        "points": {"kind": "points", "amount": 100, "currency": "CNY"},
        "half": {"kind": "refund_request", "amount": 500, "per_cent": 50, "currency": "CNY"},
    }
    both = giving({"do": "points", "tier": "points"})
    both["playbooks"]["exception_damaged"] = {"remedies": [{"do": "refund_request", "tier": "half"}]}
    rt = world(store, playbooks=both, compensation=paying(tiers=tiers))
    await stalled(rt)
    await rt.deliver()
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.DAMAGED)
    await rt.deliver()
    granted = {grant.kind: (grant.amount, grant.code, grant.state) for grant in await rt.grants()}
    assert granted == {"points": ("100", None, "issued"), "refund_request": ("60.00", None, "issued")}


async def test_a_parcel_that_moves_before_it_is_paid_is_not_paid_for(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY)
    await rt.deliver()
    assert await rt.grants() == []


async def test_an_unused_one_is_taken_back_when_the_parcel_came_in_time(store: Store) -> None:
    rt = world(store, playbooks=giving())
    shipment_id = await rt.register(promised_at=rt.clock() + timedelta(days=5))
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    await rt.deliver()
    await rt.hear("SF1", Status.DELIVERED)
    assert await outcomes(rt) == [("withdrawn", "arrived in time after all")]
    assert "coupon.withdrawn" in await rt.events()


async def test_it_stays_when_the_parcel_came_late(store: Store) -> None:
    rt = world(store, playbooks=giving())
    shipment_id = await rt.register(promised_at=rt.clock() + timedelta(hours=1))
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    await rt.deliver()
    await rt.hear("SF1", Status.DELIVERED)
    assert await outcomes(rt) == [("issued", None)]


async def test_what_nobody_used_expires(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)
    await rt.deliver()
    rt.time.forward(days=89)
    assert await expire(rt) == 0
    rt.time.forward(days=1)
    assert await expire(rt) == 1
    assert await outcomes(rt) == [("expired", None)]


async def test_a_worker_that_wakes_late_pays_nothing(store: Store) -> None:
    rt = world(store, playbooks=giving())
    await stalled(rt)
    async with store.write() as tx:
        slow = [row for row in await outbox.claim(tx, rt.clock(), limit=9, lease=rt.lease) if row.kind == "coupon"]
    rt.time.forward(seconds=rt.lease.total_seconds() + 1)
    await rt.deliver()
    with pytest.raises(LeaseLost):
        await compensate(rt, slow[0])
    assert len(await rt.grants()) == 1


async def test_one_claim_is_one_grant_whatever_else_the_playbook_gives(store: Store) -> None:
    tiers = {
        "sorry": {"amount": 10, "currency": "CNY"},
        "hundred": {"kind": "points", "amount": 100, "currency": "CNY"},
    }
    both = giving({"do": "coupon", "tier": "sorry"}, {"do": "points", "tier": "hundred"})
    rt = world(store, playbooks=both, compensation=paying(tiers=tiers))
    await stalled(rt)
    await rt.deliver()
    await rt.deliver()
    (given,) = await rt.grants()
    assert await rt.remedies(KIND) == {"coupon": "dropped", "points": "dropped", given.kind: "done"}


async def test_a_cap_of_a_customer_holds_for_orders_without_a_parcel(store: Store) -> None:
    """Who complains of many orders is one customer; so is the one whose parcel stalls."""
    books = {"playbooks": {"default": {}, "complaint": {"remedies": [{"do": "coupon", "tier": "sorry"}]}}}
    rt = world(store, playbooks=books, compensation=capped(per_customer_30_days=2))
    phone = str(DOCUMENT["recipient"]["phone"])
    await rt.register(order="SO-0")
    await rt.register("SF2", order="SO-0")  # two parcels: the case is about the order
    for number in range(4):
        report = Report(order_id=f"SO-{number}", kind="complaint", customer={"phone": phone} if number else None)
        async with store.write() as tx:
            await report_exception(rt, tx, report, who="shop")
    await rt.deliver()
    assert await outcomes(rt) == [("issued", None)] * 2 + [("refused", "cap_customer")] * 2
