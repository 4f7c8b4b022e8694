"""The stand-ins of ZTO and 快递100 through the real adapters, and SF by the vectors of the sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapters.kuaidi100 import Kuaidi100Adapter
from adapters.zto import ZtoAdapter
from gateway.contract.carrier import Outcome, Push, Verdict
from gateway.contract.errors import Refused
from gateway.domain import Reason, Status
from gateway.sandbox.carriers.sf_wire import digest
from gateway.sandbox.records import WaybillState
from gateway.sandbox.server import Sandbox
from gateway.sandbox.world import World
from tests.sandbox.conftest import PARCEL, leg

Plugin = Callable[..., Any]


def zto(plugin: Plugin, world: World) -> ZtoAdapter:
    own = world.accounts
    adapter: ZtoAdapter = plugin(
        ZtoAdapter,
        "/zto",
        app_key=own.zto_app_key,
        app_secret=own.zto_app_secret,
        account_id=own.zto_account_id,
        account_password=own.zto_account_password,
    )
    return adapter


def kuaidi100(plugin: Plugin, world: World) -> Kuaidi100Adapter:
    own = world.accounts
    adapter: Kuaidi100Adapter = plugin(
        Kuaidi100Adapter,
        "/kuaidi100",
        customer=own.kuaidi100_customer,
        key=own.kuaidi100_key,
        salt=own.kuaidi100_salt,
        secret=own.kuaidi100_secret,
        callback_url="http://127.0.0.1:1/webhooks/kuaidi100",
        company="yuantong",
    )
    return adapter


async def test_a_zto_parcel_is_booked_once_polled_and_pushed(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    adapter = zto(plugin, world)
    first, again = await adapter.book(PARCEL, "SO-1-f"), await adapter.book(PARCEL, "SO-1-f")
    assert first == again == await adapter.find_booking("SO-1-f")
    assert [call.key for call in world.effective("zto.book")] == ["SO-1-f"]
    assert await adapter.find_booking("nobody") is None

    world.happen("zto", first.tracking_number, Status.PICKED_UP, place="上海市", text="已揽收")
    world.happen("zto", first.tracking_number, Status.EXCEPTION, reason=Reason.ADDRESS_PROBLEM, text="地址不详")
    polled = await adapter.poll([leg("zto", first.tracking_number)])
    assert {(scan.status, scan.reason) for scan in polled} == {
        (Status.PICKED_UP, None),
        (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    }

    push = sandbox.zto.push(first.tracking_number)
    adapter.verify(push)
    assert adapter.receive(push)[0].reason is Reason.ADDRESS_PROBLEM
    answer = adapter.acknowledge(Outcome(verdict=Verdict.ACCEPTED, push=push))
    assert sandbox.zto.accepted(answer.status, answer.body)


async def test_a_zto_booking_is_cancelled_once_and_not_after_pickup(plugin: Plugin, world: World) -> None:
    adapter = zto(plugin, world)
    one, other = await adapter.book(PARCEL, "A"), await adapter.book(PARCEL, "B")
    for _ in range(2):
        await adapter.cancel(leg("zto", one.tracking_number, reference="A", extra=one.extra))
    assert len(world.effective("zto.cancel")) == 1
    assert world.waybills["zto", one.tracking_number].state is WaybillState.CANCELLED
    world.happen("zto", other.tracking_number, Status.PICKED_UP)
    with pytest.raises(Refused):
        await adapter.cancel(leg("zto", other.tracking_number, extra=other.extra))


async def test_a_zto_signature_that_does_not_fit_is_refused(plugin: Plugin, world: World) -> None:
    adapter = plugin(ZtoAdapter, "/zto", app_key=world.accounts.zto_app_key, app_secret="another")
    with pytest.raises(Refused) as no:
        await adapter.poll([leg("zto", "73100000000001")])
    assert no.value.code == "S211"


async def test_kuaidi100_reads_books_and_pushes_for_a_company(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    adapter = kuaidi100(plugin, world)
    first, again = await adapter.book(PARCEL, "K-1"), await adapter.book(PARCEL, "K-1")
    assert first.tracking_number == again.tracking_number
    assert len(world.effective("kuaidi100.book")) == 1

    number = first.tracking_number
    assert await adapter.poll([leg("yto", number, company="yuantong")]) == []
    world.happen("yto", number, Status.OUT_FOR_DELIVERY, place="北京市", text="正在派件")
    assert [scan.status for scan in await adapter.poll([leg("yto", number)])] == [Status.OUT_FOR_DELIVERY]

    await adapter.subscribe(leg("yto", number))
    await adapter.subscribe(leg("yto", number))
    assert len(world.effective("kuaidi100.subscribe")) == 1
    push = sandbox.kuaidi100.push("yto", number)
    adapter.verify(push)
    assert [scan.status for scan in adapter.receive(push)] == [Status.OUT_FOR_DELIVERY]


async def test_a_kuaidi100_booking_after_48_hours_is_another(plugin: Plugin, world: World, clock: Any) -> None:
    adapter = kuaidi100(plugin, world)
    first = await adapter.book(PARCEL, "K-1")
    clock.advance(hours=49)
    assert (await adapter.book(PARCEL, "K-1")).tracking_number != first.tracking_number


async def test_kuaidi100_reads_an_sf_parcel_when_sf_itself_is_silent(plugin: Plugin, world: World) -> None:
    world.book("sf", "SO-9", number="SF1000000000001", phone="13800005514")
    world.happen("sf", "SF1000000000001", Status.DELIVERED, text="已签收")
    adapter = kuaidi100(plugin, world)
    scans = await adapter.poll([leg("sf", "SF1000000000001", company="shunfeng")])
    assert [scan.status for scan in scans] == [Status.DELIVERED]


def test_the_sf_digest_is_the_one_of_the_sheet() -> None:
    text, at, check_word = '{"orderId":"订单 1~*"}', "1767225600000", "demoCheckword0123456789abcdefghij"
    assert digest(text, at, check_word) == "puoFiXKluS3yfUwXOi8oBg=="


def test_an_sf_push_carries_its_token_in_the_path(world: World, sandbox: Sandbox) -> None:
    world.book("sf", "SO-1", number="SF1000000000002")
    world.happen("sf", "SF1000000000002", Status.PICKED_UP)
    push = sandbox.sf.push("SF1000000000002")
    assert isinstance(push, Push)
    assert push.path == f"/webhooks/sf/{world.accounts.sf_webhook_token}"
