"""From a push to a coupon, through real processes and sockets, also when the gateway is killed on the way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.sandbox.world import Call
from tests.e2e.conftest import Town
from tests.e2e.process import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STEPS = ("sf.cancel", "zto.book", "wechat.send", "aliyun.send", "mail.send")
MOMENTS = ("before", "after", "answered")


async def finished(town: Town) -> dict[str, Any] | None:
    """The case when every remedy of it has ended."""
    for brief in (await town.gateway.get("/v1/cases", kind="stall_pre_transit"))["items"]:
        case: dict[str, Any] = await town.gateway.get(f"/v1/cases/{brief['id']}")
        if all(remedy["state"] not in {"pending", "doing"} for remedy in case["remedies"]):
            return case
    return None


async def exactly_once(town: Town, shipment: dict[str, Any]) -> None:
    """The stand-ins' own logs and the gateway's API agree: each thing happened, and happened once."""
    case = await eventually(lambda: finished(town), f"the remedies did not end: {town.gateway.log()[-4000:]}")
    states = {remedy["kind"]: remedy["state"] for remedy in case["remedies"]}
    assert states == {"failover": "done", "coupon": "done", "message": "done"}, case["remedies"]
    effective = {step: len(town.world.effective(step)) for step in STEPS}
    assert effective == dict.fromkeys(STEPS, 1), [call for call in town.world.calls if call.operation != "query"]
    coupons = (await town.gateway.get("/v1/coupons"))["items"]
    assert [coupon["state"] for coupon in coupons] == ["issued"]
    said = Counter(row["channel"] for row in (await town.gateway.get("/v1/messages", case_id=case["id"]))["items"])
    assert said == {"wechat": 1, "sms": 1, "email": 1}
    tracking = await town.gateway.get(f"/v1/tracking/{shipment['tracking_number']}")
    assert [leg["carrier"]["code"] for leg in tracking["legs"]] in (["sf", "zto"], ["zto", "sf"])
    (current,) = [leg for leg in tracking["legs"] if leg["current"]]
    assert current["carrier"]["code"] == "zto"


async def test_a_parcel_nobody_collected_goes_with_another_carrier(town: Town) -> None:
    shipment = await town.never_picked_up()
    await exactly_once(town, shipment)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_and_started_again_it_happens_once(town: Town, step: str, moment: str) -> None:
    killed = []

    async def kill(call: Call) -> None:
        if not killed:
            killed.append(call)
            town.gateway.kill()
            await town.gateway.ended()

    getattr(town.world, moment)(step, kill)
    shipment = await town.never_picked_up()

    async def was_killed() -> bool:
        return bool(killed)

    await eventually(was_killed, f"{step} was never asked for: {town.gateway.log()[-4000:]}")
    await town.gateway.ended()
    await town.gateway.start()
    await exactly_once(town, shipment)


async def test_an_acknowledged_push_survives_a_kill(town: Town) -> None:
    shipment = await town.never_picked_up()
    town.gateway.kill()
    await town.gateway.ended()
    await town.gateway.start()

    async def known() -> bool:
        tracking = await town.gateway.get(f"/v1/tracking/{shipment['tracking_number']}")
        return any(leg["scans"] for leg in tracking["legs"])

    await eventually(known, "the push was lost")


async def test_it_stops_when_it_is_asked_to(town: Town) -> None:
    assert await town.gateway.stop() == 0
