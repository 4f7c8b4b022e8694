"""The stand-in of SF through the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.sf import SfAdapter
from gateway.contract.carrier import Outcome, Verdict
from gateway.contract.errors import Refused
from gateway.domain import Reason, Status
from gateway.sandbox.records import WaybillState
from gateway.sandbox.server import Sandbox
from gateway.sandbox.world import World
from tests.sandbox.conftest import NOW, PARCEL, leg

Plugin = Callable[..., Any]


@pytest.fixture(params=["digest", "oauth2"])
def adapter(plugin: Plugin, world: World, request: pytest.FixtureRequest) -> SfAdapter:
    own = world.accounts
    settings = {"partner_id": own.sf_partner_id, "check_word": own.sf_check_word, "auth": request.param}
    if request.param == "oauth2":
        settings["token_url"] = "oauth2/accessToken"
    built: SfAdapter = plugin(SfAdapter, "/sf", **settings)
    return built


async def test_a_booking_is_made_once_and_found_again(adapter: SfAdapter, world: World) -> None:
    assert await adapter.find_booking("SO-1") is None
    first = await adapter.book(PARCEL, "SO-1")
    assert await adapter.book(PARCEL, "SO-1") == first == await adapter.find_booking("SO-1")
    assert [call.key for call in world.effective("sf.book")] == ["SO-1"]


async def test_a_cancelled_order_id_is_spent(adapter: SfAdapter, world: World) -> None:
    booked = await adapter.book(PARCEL, "SO-1")
    for _ in range(2):
        await adapter.cancel(leg("sf", booked.tracking_number, reference="SO-1"))
    assert len(world.effective("sf.cancel")) == 1
    assert world.waybills["sf", booked.tracking_number].state is WaybillState.CANCELLED
    with pytest.raises(Refused):
        await adapter.book(PARCEL, "SO-1")


@pytest.mark.parametrize("case", ["unknown order", "another number", "handed over"])
async def test_what_cannot_be_cancelled(adapter: SfAdapter, world: World, case: str) -> None:
    booked = await adapter.book(PARCEL, "SO-1")
    if case == "handed over":
        world.happen("sf", booked.tracking_number, Status.PICKED_UP)
    number = "SF1999999999999" if case == "another number" else booked.tracking_number
    with pytest.raises(Refused):
        await adapter.cancel(leg("sf", number, reference="SO-2" if case == "unknown order" else "SO-1"))
    assert world.effective("sf.cancel") == []


async def test_routes_come_by_poll_and_by_push(adapter: SfAdapter, world: World, sandbox: Sandbox) -> None:
    number = world.book("sf", "SO-1", phone="13800005514").number
    world.happen("sf", number, Status.PICKED_UP, at=NOW - timedelta(hours=3), text="顺丰速运 已收取快件")
    world.happen("sf", number, Status.EXCEPTION, reason=Reason.ADDRESS_PROBLEM, text="由于地址不详 派件不成功")
    world.happen("sf", number, code="9527", at=NOW - timedelta(hours=1), text="新流程")
    polled = await adapter.poll([leg("sf", number)])
    assert {(scan.status, scan.carrier_code) for scan in polled} >= {(Status.UNKNOWN, "9527")}
    assert {scan.reason for scan in polled} >= {Reason.ADDRESS_PROBLEM}
    push = sandbox.sf.push(number)
    adapter.verify(push)
    pushed = adapter.receive(push)
    assert {(scan.status, scan.at) for scan in pushed} == {(scan.status, scan.at) for scan in polled}
    answer = adapter.acknowledge(Outcome(verdict=Verdict.ACCEPTED, push=push))
    assert sandbox.sf.accepted(answer.status, answer.body)


async def test_a_wrong_phone_reads_nothing(adapter: SfAdapter, world: World) -> None:
    number = world.book("sf", "SO-1", phone="13800001111").number
    world.happen("sf", number, Status.PICKED_UP)
    assert await adapter.poll([leg("sf", number)]) == []


async def test_a_parcel_on_its_way_is_intercepted_once(adapter: SfAdapter, world: World) -> None:
    number = world.book("sf", "SO-1").number
    with pytest.raises(Refused):
        await adapter.intercept(leg("sf", number))
    world.happen("sf", number, Status.IN_TRANSIT)
    await adapter.intercept(leg("sf", number))
    await adapter.intercept(leg("sf", number))
    assert len(world.effective("sf.intercept")) == 1


async def test_subscribing_is_known(adapter: SfAdapter, world: World) -> None:
    number = world.book("sf", "SO-1").number
    await adapter.subscribe(leg("sf", number))
    assert [call.number for call in world.effective("sf.subscribe")] == [number]


async def test_a_request_id_is_good_for_one_call(client: httpx.AsyncClient, world: World) -> None:
    form = {"partnerID": world.accounts.sf_partner_id, "requestID": "r", "serviceCode": "EXP_RECE_SEARCH_ROUTES"}
    unsigned = {**form, "timestamp": "1", "msgData": "{}", "msgDigest": "x"}
    assert (await client.post("/sf/std/service", data=form)).json()["apiResultCode"] == "A1001"
    assert (await client.post("/sf/std/service", data=unsigned)).json()["apiResultCode"] == "A1006"
