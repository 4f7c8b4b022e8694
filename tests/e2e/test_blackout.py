"""Seven days of pushes are lost. Polls find what was missed; nobody is accused, paid or told old news for it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import Gateway
from gateway.config import load
from gateway.domain import Status
from gateway.remedies.deliver import deliver_due
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from gateway.settings import Environment
from gateway.stalls.incidents import check_carriers
from gateway.stalls.sweep import sweep
from gateway.tracking.pushes import read_inbox
from tests.e2e.process import KEY, ROOT

START = datetime(2026, 3, 3, 1, tzinfo=UTC)  # a Tuesday morning in China
BLACKOUT = timedelta(days=7)
HOUR = timedelta(hours=1)
STEP = 4 * HOUR
#: (hours after the last push, what happened) of each parcel while nobody heard of it.
JOURNEYS: dict[str, list[tuple[int, Status]]] = {
    "arrived-long-ago": [(8, Status.IN_TRANSIT), (30, Status.OUT_FOR_DELIVERY), (34, Status.DELIVERED)],
    "arrived-just-now": [(30, Status.IN_TRANSIT), (90, Status.IN_TRANSIT), (150, Status.DELIVERED)],
    "on-its-way": [(25, Status.IN_TRANSIT), (70, Status.IN_TRANSIT), (120, Status.IN_TRANSIT)],
}


def text(hours: int, status: Status) -> str:
    return f"{status} after {hours} hours"


def instant(told: str) -> datetime:
    return datetime.fromisoformat(told)


class Now:
    """The gateway's and the carriers' clock."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Town:
    """A gateway that may go and come back, among carriers and providers that go on."""

    sandbox: Sandbox
    world: World
    time: Now
    environment: Environment
    numbers: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Town:
        await self.come()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.go()

    async def come(self) -> None:
        given = load(self.environment.config, variables(self.sandbox.port, self.sandbox.smtp_port, 1))
        self.gateway = Gateway(self.environment, given, clock=self.time)
        await self.gateway.start(workers=False)
        headers = {"Authorization": f"Bearer {KEY}"}
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.gateway.port}", headers=headers, trust_env=False
        )

    async def go(self) -> None:
        await self.http.aclose()
        await self.gateway.stop()

    async def register(self, order: str) -> None:
        """A parcel that was picked up, and its push."""
        person = customer(len(self.numbers) + 1, 12, self.time())
        label = self.world.book("sf", order, phone=person["phone"])  # SF answers to who knows the phone
        self.numbers[order] = label.number
        body = registration(order, "sf", label.number, person, {})
        (await self.http.post("/v1/shipments", json=body)).raise_for_status()
        event = self.world.happen(
            "sf", label.number, Status.PICKED_UP, at=self.time(), text="已收取快件", place="深圳市"
        )
        push = self.sandbox.sf.push(label.number, event)
        answer = await self.http.request(
            push.method, push.path, params=dict(push.query), headers=dict(push.headers), content=push.body
        )
        answer.raise_for_status()

    async def settle(self) -> None:
        """Every loop of a worker, until nothing is due at this moment."""
        rt, polling = self.gateway.rt, self.gateway.polling
        while True:
            await check_carriers(rt)
            done = await read_inbox(rt, 200) + await sweep(rt, 200) + await deliver_due(rt, 16)
            asked = len(self.world.calls)
            await polling.tick()
            await polling.close()
            if not done and asked == len(self.world.calls):
                return

    async def live_through(self, span: timedelta, *, listening: bool = True) -> None:
        """Step by step: the parcels move, no push arrives. listening: the gateway is up and polls."""
        end = self.time() + span
        while self.time() < end:
            before, self.time.now = self.time(), self.time() + STEP
            for order, number in self.numbers.items():
                for hours, status in JOURNEYS.get(order, ()):
                    if before < START + hours * HOUR <= self.time():
                        happened = START + hours * HOUR
                        self.world.happen("sf", number, status, at=happened, text=text(hours, status), place="北京市")
            if listening:
                await self.settle()

    async def tracking(self, order: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/tracking/{self.numbers[order]}", params={"locale": "en"})
        return dict(answer.raise_for_status().json())

    async def listed(self, path: str) -> list[dict[str, Any]]:
        return list((await self.http.get(path, params={"limit": 200})).raise_for_status().json()["items"])

    async def said(self) -> Counter[tuple[str, str]]:
        """(order, template) of every message that left."""
        orders = {one["id"]: one["order_id"] for one in await self.listed("/v1/shipments")}
        sent = [one for one in await self.listed("/v1/messages") if one["state"] in {"sent", "delivered"}]
        return Counter((orders[one["shipment_id"]], one["template"]) for one in sent)


@pytest.fixture
async def town(tmp_path: Path, database_url: str) -> AsyncIterator[Town]:
    """The sandbox's carriers and providers with the policies that a shop has."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)
    for name in ("polling", "stalls", "messages", "playbooks"):
        shutil.copy(ROOT / "config" / f"{name}.yaml", config)
    time = Now()
    world = World(clock=time)
    async with serve(world) as sandbox:
        environment = Environment(
            database_url=database_url,
            port=0,
            config=config,
            admin_key=KEY,
            secret_key="a secret key for the tests only",
        )
        async with Town(sandbox=sandbox, world=world, time=time, environment=environment) as town:
            yield town


@pytest.mark.parametrize("listening", [True, False], ids=["pushes lost", "gateway gone"])
async def test_a_week_without_pushes_heals_and_tells_nobody_stale_news(town: Town, listening: bool) -> None:
    for order in JOURNEYS:
        await town.register(order)
    await town.settle()
    before = await town.said()
    if listening:
        await town.live_through(BLACKOUT)
    else:
        await town.go()
        await town.live_through(BLACKOUT, listening=False)
        await town.come()
        await town.settle()

    for order, happenings in JOURNEYS.items():
        seen = await town.tracking(order)
        found = list(reversed([scan for scan in seen["legs"][0]["scans"] if scan["source"] == "poll"]))
        assert [scan["text"] for scan in found] == [text(*happening) for happening in happenings]
        assert (seen["status"], seen["stalled"]) == (happenings[-1][1], False)
        waited = [instant(scan["learned_at"]) - instant(scan["at"]) for scan in found]
        assert [scan["learned_late"] for scan in found] == [span >= 6 * HOUR for span in waited]
        assert listening or all(scan["learned_late"] for scan in found if instant(scan["at"]) < town.time() - 6 * HOUR)

    told = await town.said() - before
    assert told["arrived-just-now", "delivered"] == 1, "this is news"
    if not listening:
        assert set(told) == {("arrived-just-now", "delivered")}
    assert await town.listed("/v1/coupons") == []
    assert await town.listed("/v1/cases") == [], "nothing is wrong, and nobody was ever unheard"


async def test_a_parcel_that_really_stands_still_is_found_although_pushes_are_lost(town: Town) -> None:
    """Polls answer, so we are not blind: the one that did not move for days is a stall."""
    await town.register("on-its-way")
    await town.register("stands-still")
    await town.settle()
    await town.live_through(BLACKOUT)
    stalls = [case for case in await town.listed("/v1/cases") if case["kind"].startswith("stall")]
    assert len(stalls) == 1 and stalls[0]["order_id"] == "stands-still"
