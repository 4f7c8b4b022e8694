"""Faults, hooks and the call log: what crash tests stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.zto import ZtoAdapter
from gateway.contract.errors import ContractError, OutcomeUnknown, Refused, TryAgain, Unavailable
from gateway.sandbox.faults import How
from gateway.sandbox.numbering import number_for
from gateway.sandbox.records import Call
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.sandbox.conftest import PARCEL, leg
from tests.sandbox.test_chinese_carriers import zto

Plugin = Callable[..., Any]
NUMBER = "73100000000001"


@pytest.fixture
def carrier(plugin: Plugin, world: World) -> ZtoAdapter:
    return zto(plugin, world)


@pytest.mark.parametrize("how", [How.HTTP500, How.HTTP503, How.HTTP429, How.DROP])
async def test_a_read_that_fails_so_may_be_tried_again(carrier: ZtoAdapter, world: World, how: How) -> None:
    world.fail("zto", "query", 2, how)
    with pytest.raises(TryAgain):
        await carrier.poll([leg("zto", NUMBER)])
    world.heal("zto")
    assert await carrier.poll([leg("zto", NUMBER)]) == []


async def test_a_documented_no_and_garbage(carrier: ZtoAdapter, world: World) -> None:
    world.fail("zto", "query", 1, "refused")
    with pytest.raises(Refused) as no:
        await carrier.poll([leg("zto", NUMBER)])
    assert no.value.code == "E418"
    world.fail("zto", "book", 1, "garbage")
    with pytest.raises(ContractError):
        await carrier.book(PARCEL, "SO-1")
    assert world.waybills == {}


async def test_a_429_says_when_to_come_back(carrier: ZtoAdapter, world: World) -> None:
    world.fail("zto", "query", 1, "http429")
    with pytest.raises(Unavailable) as busy:
        await carrier.poll([leg("zto", NUMBER)])
    assert busy.value.retry_after == 1


async def test_a_booking_whose_answer_is_lost_has_been_made(carrier: ZtoAdapter, world: World) -> None:
    world.fail("zto", "book", 1, "drop", acted=True)
    with pytest.raises(OutcomeUnknown):
        await carrier.book(PARCEL, "SO-1")
    found = await carrier.find_booking("SO-1")
    assert found is not None
    assert [(call.key, call.number, call.outcome) for call in world.effective("zto.book")] == [
        ("SO-1", found.tracking_number, "fault:drop")
    ]


async def test_a_provider_that_never_answers_lets_go_when_the_sandbox_closes(world: World) -> None:
    world.fail("zto", "query", None, "timeout")
    async with serve(world) as sandbox, httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/zto/zto.merchant.waybill.track.query", content=b"{}", timeout=0.2)
    assert [call.outcome for call in world.calls] == ["fault:timeout"]


async def test_hooks_see_the_call_before_and_after_the_deed_and_after_the_answer(
    carrier: ZtoAdapter, world: World
) -> None:
    seen: list[tuple[str, bool, bool]] = []
    answered = asyncio.Event()

    def note(moment: str) -> Callable[[Call], Any]:
        async def hook(call: Call) -> None:
            seen.append((moment, call.effective, world.booked("zto", "SO-1") is not None))
            if moment == "answered":
                answered.set()

        return hook

    world.before("zto.book", note("before"))
    world.after("*", note("after"))
    world.answered("zto.book", note("answered"))
    await carrier.book(PARCEL, "SO-1")
    await asyncio.wait_for(answered.wait(), 5)
    assert seen == [("before", False, False), ("after", True, True), ("answered", True, True)]


async def test_a_hook_can_hold_the_deed_back(carrier: ZtoAdapter, world: World) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold(call: Call) -> None:
        asked.set()
        await go_on.wait()

    world.before("zto.book", hold)
    booking = asyncio.create_task(carrier.book(PARCEL, "SO-1"))
    await asyncio.wait_for(asked.wait(), 5)
    assert world.waybills == {}
    go_on.set()
    await booking
    assert len(world.waybills) == 1


def test_a_refusal_cannot_follow_the_deed() -> None:
    with pytest.raises(ValueError, match="exclude"):
        World().fail("zto", "book", 1, "refused", acted=True)


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("sf", "SF1000000000007"),
        ("zto", "73100000000007"),
        ("ups", "1ZA1B2C30300000076"),
        ("usps", "9400100000000000000075"),
    ],
)
def test_numbers_are_issued_in_a_fixed_order(carrier: str, number: str) -> None:
    assert number_for(carrier, 7) == number == number_for(carrier, 7)


async def test_two_sandboxes_share_no_ports(sandbox: Sandbox) -> None:
    async with serve(World()) as other:
        assert {other.port, other.smtp_port}.isdisjoint({sandbox.port, sandbox.smtp_port})
