"""A parcel nobody collected goes with another carrier: once, whatever breaks on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.cases.actions import approve, reject, retry
from gateway.contract import BadPayload, OutcomeUnknown, Refused, Unavailable
from gateway.domain import Booking, Parcel, Reason, Status
from gateway.outcome import Done
from gateway.store.engine import Store
from tests.remedies.world import POLICIES, Booker, ByHand, Killed, World, die, route, world

KIND = "stall_pre_transit"


async def stalled(rt: World) -> str:
    shipment_id = await rt.register()
    await rt.stall(shipment_id)
    return shipment_id


async def exactly_once(rt: World, shipment_id: str) -> None:
    """One effective cancel, one booking, one coupon, one message; and the parcel is with the backup."""
    assert rt.books("sf").void == {"SF1"}
    assert list(rt.books("zto").booked) == [(await rt.case(KIND))["id"].replace("_", "-") + "-1"]
    assert rt.books("jd").booked == {}
    assert [grant.state for grant in await rt.grants()] == ["issued"]
    assert len(set(rt.said)) == 1  # that it is said once is the business of gateway.messages
    assert (await rt.shipment(shipment_id)).carrier == "zto"
    assert await rt.remedies(KIND) == {"failover": "done", "coupon": "done", "message": "done"}


async def test_it_is_cancelled_and_booked_elsewhere(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    await rt.deliver()
    await exactly_once(rt, shipment_id)
    assert rt.books("sf").calls["cancel"] == 1
    assert (await rt.case(KIND))["state"] == "resolved"
    assert {"failover.booked", "coupon.issued", "case.opened", "case.resolved"} <= set(await rt.events())
    (key,) = rt.books("zto").booked
    assert len(key) <= 32


@pytest.mark.parametrize("carrier, call", [("sf", "cancel"), ("zto", "book")])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_at_a_call_and_taken_over(store: Store, carrier: str, call: str, moment: str) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    getattr(rt.books(carrier), moment)[call] = [Killed()]
    await die(rt)
    rt.time.forward(seconds=rt.lease.total_seconds() + 1)
    await rt.deliver()
    await exactly_once(rt, shipment_id)
    if moment == "after":
        assert rt.books(carrier).calls[call] == 1


@pytest.mark.parametrize("carrier, call", [("sf", "cancel"), ("zto", "book")])
@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), Unavailable("busy", retry_after=30)])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_is_looked_for(store: Store, carrier: str, call: str, error: Any, moment: str) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    getattr(rt.books(carrier), moment)[call] = [error]
    await rt.deliver()
    assert (await rt.remedies(KIND))["failover"] == "pending"
    rt.time.forward(minutes=5)
    await rt.deliver()
    await exactly_once(rt, shipment_id)


async def test_an_answer_nobody_can_read_is_perhaps_a_yes(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    rt.books("zto").after["book"] = [BadPayload("not JSON")]
    await rt.deliver()
    rt.time.forward(minutes=5)
    await rt.deliver()
    await exactly_once(rt, shipment_id)


async def test_a_bug_is_tried_again_and_nothing_is_lost(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    rt.books("zto").after["book"] = [KeyError("surprise")]
    await rt.deliver()
    rt.time.forward(minutes=5)
    await rt.deliver()
    await exactly_once(rt, shipment_id)


async def test_the_next_backup_is_asked_after_a_definite_no(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    rt.books("zto").before["book"] = [Refused("no pickup there")]
    await rt.deliver()
    case_id = (await rt.case(KIND))["id"].replace("_", "-")
    assert list(rt.books("jd").booked) == [f"{case_id}-2"]
    assert (await rt.shipment(shipment_id)).carrier == "jd"


async def test_when_nobody_takes_it_a_person_is_told_and_may_try_again(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    for backup in ("zto", "jd"):
        rt.books(backup).before["book"] = [Refused("full")]
    await rt.deliver()
    case = await rt.case(KIND)
    (failover,) = [remedy for remedy in case["remedies"] if remedy["kind"] == "failover"]
    assert failover["state"] == "refused"
    assert "zto: full; jd: full" in failover["reason"]
    assert case["state"] == "open"
    assert [key for key in rt.said if key.endswith(":told")]
    assert (await rt.shipment(shipment_id)).carrier == "sf"
    await retry(rt, case["id"], who="ops")
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 1
    assert (await rt.shipment(shipment_id)).carrier == "zto"


async def test_both_legs_are_one_journey(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    await rt.deliver()
    await rt.hear("ZTO0001", Status.PICKED_UP, carrier="zto")
    row = await rt.shipment(shipment_id)
    assert (row.status, row.carrier, row.tracking_number) == ("picked_up", "zto", "ZTO0001")
    await rt.hear("SF1", Status.CANCELLED)
    assert (await rt.shipment(shipment_id)).status == "picked_up"


async def test_a_parcel_that_moved_before_is_left_alone(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    await rt.hear("SF1", Status.PICKED_UP)
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 0
    assert await rt.remedies(KIND) == {"failover": "dropped", "coupon": "dropped", "message": "dropped"}
    assert (await rt.case(KIND))["state"] == "cleared"


async def test_a_parcel_that_moves_after_it_was_cancelled_is_not_booked_twice(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    rt.books("zto").before["book"] = [OutcomeUnknown("timeout")]
    await rt.deliver()
    await rt.hear("SF1", Status.PICKED_UP)
    rt.time.forward(minutes=5)
    await rt.deliver()
    assert rt.books("zto").booked == {}
    (failover,) = [one for one in (await rt.case(KIND))["remedies"] if one["kind"] == "failover"]
    assert failover["state"] == "refused"
    assert "moved the parcel after it was cancelled" in failover["reason"]


async def test_too_late_to_cancel_means_it_was_handed_over(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    rt.books("sf").before["cancel"] = [Refused("already picked up")]
    await rt.deliver()
    assert rt.books("zto").booked == {}
    rt.time.forward(minutes=1)
    await rt.hear("SF1", Status.PICKED_UP)
    rt.time.forward(minutes=10)
    await rt.deliver()
    assert rt.books("zto").booked == {}


async def test_a_carrier_that_does_not_cancel_a_parcel_it_does_not_have_is_a_matter_for_people(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    rt.books("sf").before["cancel"] = [Refused("wrong order id")]
    await rt.deliver()
    rt.time.forward(minutes=10)
    await rt.answered(shipment_id)
    await rt.deliver()
    (failover,) = [one for one in (await rt.case(KIND))["remedies"] if one["kind"] == "failover"]
    assert (failover["state"], failover["reason"]) == ("refused", "sf does not cancel: wrong order id")
    assert rt.books("zto").booked == {}


async def test_mode_ask_waits_for_a_person(store: Store) -> None:
    rt = world(store, routes={"routes": [route("sf", "zto", mode="ask")]})
    shipment_id = await stalled(rt)
    await rt.deliver()
    case = await rt.case(KIND)
    assert case["state"] == "waiting"
    assert rt.books("sf").calls["cancel"] == 0
    await approve(rt, case["id"], who="ops")
    await rt.deliver()
    await exactly_once(rt, shipment_id)


async def test_a_person_may_say_no(store: Store) -> None:
    rt = world(store, routes={"routes": [route("sf", "zto", mode="ask")]})
    await stalled(rt)
    await rt.deliver()
    await reject(rt, (await rt.case(KIND))["id"], who="ops", note="customer collects")
    await rt.deliver()
    assert (await rt.remedies(KIND))["failover"] == "dropped"
    assert rt.books("sf").calls["cancel"] == 0


async def test_mode_off_does_nothing(store: Store) -> None:
    rt = world(store, routes={"routes": [route("sf", "zto", mode="off")]})
    await stalled(rt)
    await rt.deliver()
    assert (await rt.remedies(KIND))["failover"] == "dropped"


async def test_without_a_route_a_person_is_told(store: Store) -> None:
    rt = world(store, routes={"routes": []})
    await stalled(rt)
    await rt.deliver()
    assert (await rt.remedies(KIND))["failover"] == "refused"


async def test_what_a_booking_needs_is_named(store: Store) -> None:
    rt = world(store)
    shipment_id = await rt.register(document={"sender": None})
    await rt.stall(shipment_id)
    await rt.deliver()
    (failover,) = [one for one in (await rt.case(KIND))["remedies"] if one["kind"] == "failover"]
    assert failover["reason"] == "a booking needs sender.name"
    assert rt.books("sf").calls["cancel"] == 0


async def test_a_carrier_without_an_interface_for_it_is_told_by_a_person(store: Store) -> None:
    rt = world(store, kinds={"sf": ByHand})
    shipment_id = await stalled(rt)
    await rt.deliver()
    case = await rt.case(KIND)
    (failover,) = [one for one in case["remedies"] if one["kind"] == "failover"]
    assert failover["reason"] == "cancel_by_hand: sf SF1"
    await approve(rt, case["id"], who="ops", remedy=failover["id"])
    await rt.deliver()
    assert (await rt.shipment(shipment_id)).carrier == "zto"


async def test_nothing_is_done_while_the_newest_scan_is_unknown(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    await rt.hear("SF1", Status.UNKNOWN, carrier_code="XYZ", place="")
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 0
    states = await rt.remedies(KIND)
    assert (states["failover"], states["coupon"]) == ("pending", "pending")
    await approve(rt, (await rt.case(KIND))["id"], who="ops")
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 1


async def test_nothing_is_done_while_the_carrier_is_unheard(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    await rt.fails("sf")
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 0
    assert await rt.grants() == []
    rt.time.forward(minutes=31)
    await rt.speaks("sf")
    await rt.deliver()
    assert rt.books("sf").calls["cancel"] == 1


async def test_two_workers_do_it_once(store: Store) -> None:
    rt = world(store)
    shipment_id = await stalled(rt)
    await asyncio.gather(*(rt.deliver() for _ in range(4)))
    await exactly_once(rt, shipment_id)


async def test_two_cases_fail_over_once(store: Store) -> None:
    playbooks = {"playbooks": {**POLICIES["playbooks"]["playbooks"], "late": {"remedies": [{"do": "failover"}]}}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register(promised_at=rt.clock())
    await rt.stall(shipment_id, hours=24 * 3)
    assert {case["kind"] for case in await rt.cases()} == {KIND, "late"}
    await rt.deliver()
    rt.time.forward(minutes=5)
    await rt.deliver()
    assert len(rt.books("zto").booked) + len(rt.books("jd").booked) == 1


async def test_after_hand_over_it_is_stopped_and_a_replacement_is_asked_for(store: Store) -> None:
    playbooks = {"playbooks": {"default": {}, "stall_in_transit": {"remedies": [{"do": "failover"}]}}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register()
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    await rt.deliver()
    assert rt.books("sf").intercepted == ["SF1"]
    assert rt.books("zto").booked == {}
    assert "replacement.requested" in await rt.events()
    case = await rt.case("stall_in_transit")
    assert case["state"] == "waiting"
    await approve(rt, case["id"], who="ops", note="in stock")
    await rt.deliver()
    assert len(rt.books("zto").booked) == 1
    assert (await rt.shipment(shipment_id)).carrier == "zto"


async def test_no_stock_no_booking(store: Store) -> None:
    playbooks = {"playbooks": {"default": {}, "stall_in_transit": {"remedies": [{"do": "failover"}]}}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register()
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    await rt.deliver()
    await reject(rt, (await rt.case("stall_in_transit"))["id"], who="ops", note="sold out")
    await rt.deliver()
    assert rt.books("zto").booked == {}
    assert (await rt.shipment(shipment_id)).carrier == "sf"


async def test_killed_while_stopping_a_parcel_it_is_not_stopped_twice(store: Store) -> None:
    playbooks = {"playbooks": {"default": {}, "stall_in_transit": {"remedies": [{"do": "failover"}]}}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register()
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    rt.books("sf").after["intercept"] = [Killed()]
    await die(rt)
    rt.time.forward(seconds=rt.lease.total_seconds() + 1)
    await rt.deliver()
    assert rt.books("sf").intercepted == ["SF1"]
    (done,) = [deed for deed in await rt.deeds("failover") if deed.state == "done"]
    assert done.result["intercept"] == {"state": "unknown"}


async def test_a_replacement_nobody_needs_any_more_is_not_booked(store: Store) -> None:
    playbooks = {"playbooks": {"default": {}, "stall_in_transit": {"remedies": [{"do": "failover"}]}}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register()
    await rt.hear("SF1", Status.IN_TRANSIT)
    await rt.stall(shipment_id)
    await rt.deliver()
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY, at=rt.time.forward(hours=1))
    await rt.deliver()
    assert (await rt.case("stall_in_transit"))["state"] == "cleared"
    assert rt.books("zto").booked == {}


async def test_a_message_tells_of_it_only_afterwards(store: Store) -> None:
    rt = world(store)
    await stalled(rt)
    order: list[str] = []

    async def say(_: Any, deed: Any) -> Done:
        order.append(f"said with {len(rt.books('zto').booked)} bookings")
        return Done()

    await rt.deliver(message=say)
    assert order


async def test_two_cases_ask_for_one_replacement(store: Store) -> None:
    failing_over = {"remedies": [{"do": "failover"}]}
    playbooks = {"playbooks": {"default": {}, "exception_damaged": failing_over, "presumed_lost": failing_over}}
    rt = world(store, playbooks=playbooks)
    shipment_id = await rt.register(promised_at=rt.clock())
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.DAMAGED)
    await rt.deliver()
    await rt.stall(shipment_id, hours=9 * 24)
    await rt.deliver()
    assert (await rt.events()).count("replacement.requested") == 1
    assert rt.books("sf").intercepted == ["SF1"]
    assert await rt.remedies("presumed_lost") == {"failover": "dropped"}


class Forgetful(Booker):
    """Cannot be asked for a booking; the same key gives the first one for two days, and then a second one."""

    remembers_key = 48 * 3600

    async def find_booking(self, key: str) -> Booking | None:
        return None

    async def book(self, parcel: Parcel, key: str) -> Booking:
        if key not in self.did.booked:
            return await super().book(parcel, key)
        self.did.enter("book")
        return self.did.booked[key]


async def lost_answer(store: Store) -> World:
    rt = world(store, kinds={"zto": Forgetful})
    await stalled(rt)
    rt.books("zto").after["book"] = [OutcomeUnknown("no answer")]
    await rt.deliver()
    return rt


async def test_a_key_is_repeated_while_the_carrier_remembers_it(store: Store) -> None:
    rt = await lost_answer(store)
    rt.time.forward(hours=46)
    await rt.speaks("sf", "zto")
    await rt.deliver()
    assert (await rt.remedies(KIND))["failover"] == "done"
    assert len(rt.books("zto").booked) == 1
    assert rt.books("zto").calls["book"] == 2


async def test_a_key_that_the_carrier_may_have_forgotten_is_a_question_to_a_person(store: Store) -> None:
    rt = await lost_answer(store)
    rt.time.forward(hours=49)
    await rt.speaks("sf", "zto")
    await rt.deliver()
    assert rt.books("zto").calls["book"] == 1
    case = await rt.case(KIND)
    assert case["state"] == "waiting"
    (failover,) = [remedy for remedy in case["remedies"] if remedy["kind"] == "failover"]
    assert failover["reason"].startswith("no_booking_there_1: zto ")
    assert next(iter(rt.books("zto").booked)) in failover["reason"]
    await approve(rt, case["id"], who="ops", remedy=failover["id"], note="nothing there")
    await rt.deliver()
    assert [key[-2:] for key in rt.books("zto").booked] == ["-1", "-2"]
    assert (await rt.remedies(KIND))["failover"] == "done"


async def test_a_person_who_finds_the_forgotten_booking_says_no(store: Store) -> None:
    rt = await lost_answer(store)
    rt.time.forward(hours=49)
    await rt.speaks("sf", "zto")
    await rt.deliver()
    await reject(rt, (await rt.case(KIND))["id"], who="ops", note="it is there")
    await rt.deliver()
    assert rt.books("zto").calls["book"] == 1
    assert (await rt.remedies(KIND))["failover"] == "dropped"
