"""The stand-ins of UPS and EasyPost through the real adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.easypost import EasyPostAdapter
from adapters.ups import UpsAdapter
from gateway.contract.errors import OutcomeUnknown, Refused
from gateway.domain import Address, Reason, Status
from gateway.sandbox.carriers.easypost import CARRIER
from gateway.sandbox.server import Sandbox
from gateway.sandbox.world import World
from tests.sandbox.conftest import NOW, PARCEL, leg

Plugin = Callable[..., Any]
HOME = Address(country="US", region="CA", city="San Jose", postcode="95112", address="1 First St")
AMERICAN = replace(
    PARCEL, sender=replace(PARCEL.sender, address=HOME), recipient=replace(PARCEL.recipient, address=HOME)
)


def ups(plugin: Plugin, world: World) -> UpsAdapter:
    own = world.accounts
    adapter: UpsAdapter = plugin(
        UpsAdapter,
        "/ups",
        client_id=own.ups_client_id,
        client_secret=own.ups_client_secret,
        shipper_number=own.ups_account,
        push_version="v1",
        credential=own.ups_credential,
        webhook_url="http://127.0.0.1:1/webhooks/ups",
        intercept={"requesterContactInfo": {"name": "Shop"}},
    )
    return adapter


def easypost(plugin: Plugin, world: World) -> EasyPostAdapter:
    own = world.accounts
    adapter: EasyPostAdapter = plugin(
        EasyPostAdapter, "/easypost/v2", api_key=own.easypost_api_key, webhook_secret=own.easypost_webhook_secret
    )
    return adapter


@pytest.mark.parametrize("parcel", [PARCEL, AMERICAN], ids=["abroad", "domestic"])
async def test_a_ups_parcel_is_booked_found_voided_and_tracked(plugin: Plugin, world: World, parcel: Any) -> None:
    adapter = ups(plugin, world)
    assert await adapter.find_booking("SO-1") is None
    booked = await adapter.book(parcel, "SO-1")
    world.happen("ups", booked.tracking_number, Status.PRE_TRANSIT, text="Shipper created a label")
    assert await adapter.find_booking("SO-1") == booked
    for _ in range(2):
        await adapter.cancel(leg("ups", booked.tracking_number, reference=booked.reference, extra=booked.extra))
    assert len(world.effective("ups.cancel")) == 1


async def test_ups_scans_come_by_poll_and_by_alert(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    adapter = ups(plugin, world)
    number = world.book("ups").number
    assert await adapter.poll([leg("ups", number)]) == []
    world.happen("ups", number, Status.PICKED_UP, at=NOW - timedelta(hours=5), place="San Jose", text="Pickup Scan")
    world.happen("ups", number, Status.EXCEPTION, reason=Reason.WEATHER, place="Reno", text="Severe weather")
    polled = await adapter.poll([leg("ups", number)])
    assert {(scan.status, scan.at) for scan in polled} == {
        (Status.PICKED_UP, NOW - timedelta(hours=5)),
        (Status.EXCEPTION, NOW),
    }
    push = sandbox.ups.push(number)
    adapter.verify(push)
    assert adapter.receive(push)[0].reason is Reason.WEATHER
    await adapter.subscribe(leg("ups", number))
    assert await adapter.intercept(leg("ups", number))


async def test_an_expired_ups_token_is_replaced(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    adapter = ups(plugin, world)
    await adapter.poll([leg("ups", "1ZA1B2C30300000017")])
    sandbox.ups.revoke()
    await adapter.poll([leg("ups", "1ZA1B2C30300000017")])
    assert len([call for call in world.calls if call.operation == "token"]) == 2


async def test_easypost_buys_one_label_whatever_is_lost(plugin: Plugin, world: World) -> None:
    adapter = easypost(plugin, world)
    world.fail("easypost", "book", 1, "drop", acted=True)
    first = await adapter.book(AMERICAN, "SO-1")
    assert await adapter.book(AMERICAN, "SO-1") == first == await adapter.find_booking("SO-1")
    assert len(world.effective("easypost.book")) == 1
    for _ in range(2):
        await adapter.cancel(leg("usps", first.tracking_number, reference=first.reference))
    assert len(world.effective("easypost.cancel")) == 1


async def test_easypost_tells_of_trackers_that_were_made(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    adapter = easypost(plugin, world)
    number = world.book(CARRIER).number
    world.happen(CARRIER, number, Status.OUT_FOR_DELIVERY, place="Austin", text="Out for Delivery")
    assert await adapter.poll([leg("usps", number)]) == []
    await adapter.subscribe(leg("usps", number, company="USPS"))
    assert [scan.status for scan in await adapter.poll([leg("usps", number)])] == [Status.OUT_FOR_DELIVERY]
    push = sandbox.easypost.push(number)
    adapter.verify(push)
    assert adapter.receive(push)[0].company == "USPS"


async def test_a_parcel_on_its_way_cannot_be_voided(plugin: Plugin, world: World) -> None:
    adapter = ups(plugin, world)
    booked = await adapter.book(PARCEL, "SO-2")
    world.happen("ups", booked.tracking_number, Status.IN_TRANSIT)
    with pytest.raises(Refused):
        await adapter.cancel(leg("ups", booked.tracking_number, extra=booked.extra))


async def test_ups_books_twice_when_it_is_asked_twice(plugin: Plugin, world: World) -> None:
    """It has no idempotency key: only a look-up after the lost answer keeps it to one."""
    adapter = ups(plugin, world)
    world.fail("ups", "book", 1, "drop", acted=True)
    with pytest.raises(OutcomeUnknown):
        await adapter.book(PARCEL, "SO-3")
    await adapter.book(PARCEL, "SO-3")
    assert len(world.effective("ups.book")) == 2
