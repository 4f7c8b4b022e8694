"""Parcels that stall, one after the other, while the gateway is killed at random moments and started again.

Every parcel is a label nobody collected: it must end with one cancel, one booking, one coupon and one message on each
of three channels. The stand-ins' own logs and the gateway's API are then held against each other, and every push that
was acknowledged must be seen in the tracking.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from gateway.contract import Push
from gateway.domain import Channel, Status
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.e2e.process import ROOT, GatewayProcess, eventually
from tests.servers import free_port

PLAYBOOK = {
    "severity": "high",
    "remedies": [
        {"do": "failover", "when": "before_handover"},
        {"do": "coupon", "tier": "sorry_small"},
        {"do": "message", "template": "stall_sorry", "send": "all", "channels": ["wechat", "sms", "email"]},
    ],
}
CHANNELS = (Channel.WECHAT, Channel.SMS, Channel.EMAIL)
#: Seconds between a start and its kill.
SOONEST, LATEST = 0.2, 2.2


@dataclass(slots=True)
class Parcel:
    """One parcel of the campaign. events: the serial numbers' texts of pushes that were answered with yes."""

    order: str
    number: str
    shipment_id: str = ""
    acknowledged: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """lost: pushes acknowledged and not seen, remedies that did not happen. doubled: what happened twice."""

    runs: int = 0
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def line(self) -> dict[str, int]:
        return {"runs": self.runs, "kills": self.kills, "lost": len(self.lost), "doubled": len(self.doubled)}


def prepared(folder: Path) -> Path:
    """The sandbox's configuration with this campaign's playbook, and no cap or budget that would end it."""
    config = folder / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)
    playbooks = yaml.safe_load((config / "playbooks.yaml").read_text())
    playbooks["playbooks"]["stall_pre_transit"] = PLAYBOOK
    (config / "playbooks.yaml").write_text(yaml.safe_dump(playbooks, allow_unicode=True))
    money = yaml.safe_load((config / "compensation.yaml").read_text())
    money.pop("budgets")
    (config / "compensation.yaml").write_text(yaml.safe_dump(money, allow_unicode=True))
    return config


class Campaign:
    """`runs` kills, each with a new parcel under way."""

    def __init__(self, gateway: GatewayProcess, sandbox: Sandbox, world: World, seed: int) -> None:
        self.gateway, self.sandbox, self.world = gateway, sandbox, world
        self.chance = random.Random(seed)
        self.parcels: list[Parcel] = []
        self.report = Report()

    async def run(self, runs: int) -> Report:
        for number in range(runs):
            moment = self.chance.uniform(SOONEST, LATEST)
            work = asyncio.create_task(self._parcel(number))
            await _after(moment)
            self.gateway.kill()
            await self.gateway.ended()
            self.report.kills += 1
            self.report.runs += 1
            await self.gateway.start()
            await work
        await self._quiet()
        await self._judge()
        return self.report

    async def _parcel(self, number: int) -> None:
        """Register and push until the gateway says yes, as an order system and a carrier would."""
        order = f"SO-CRASH-{number:05d}"
        label = self.world.book("sf", order, phone="+8613800005514")
        parcel = Parcel(order=order, number=label.number)
        self.parcels.append(parcel)
        person = customer(number + 1, 12, datetime.now(UTC))
        body = registration(order, "sf", label.number, person, {})
        answer = await self._insist("POST", "/v1/shipments", json=body)
        parcel.shipment_id = answer.json()["id"]
        made = datetime.now(UTC) - timedelta(days=16)
        event = self.world.happen("sf", label.number, Status.PRE_TRANSIT, at=made, text=f"包装完成 {number}")
        await self._insist_push(self.sandbox.sf.push(label.number, event))
        parcel.acknowledged.append(event.text)

    async def _insist(self, method: str, path: str, **how: Any) -> httpx.Response:
        async def once() -> httpx.Response | None:
            try:
                answer = await self.gateway.http.request(method, path, timeout=10, **how)
            except httpx.TransportError:
                return None
            return answer if answer.is_success else None

        found: httpx.Response = await eventually(once, f"{method} {path} was never answered", seconds=90)
        return found

    async def _insist_push(self, push: Push) -> None:
        headers = dict(push.headers)
        await self._insist(push.method, push.path, params=dict(push.query), headers=headers, content=push.body)

    async def _quiet(self) -> None:
        """Until every parcel's remedies have ended."""
        wanted = len(self.parcels)

        async def ended() -> bool:
            return len(await self._cases()) >= wanted and not await self._under_way()

        limit = 120 + wanted
        await eventually(ended, f"work is left over: {self.gateway.log()[-2000:]}", seconds=limit)

    async def _cases(self) -> list[dict[str, Any]]:
        return await self._all("/v1/cases", kind="stall_pre_transit")

    async def _under_way(self) -> bool:
        for brief in await self._cases():
            if brief["state"] in {"open", "acting"}:
                case = await self.gateway.get(f"/v1/cases/{brief['id']}")
                if any(remedy["state"] in {"pending", "doing"} for remedy in case["remedies"]):
                    return True
        return False

    async def _all(self, path: str, **wanted: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self.gateway.get(path, limit="200", **wanted, **more)
            items += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return items

    async def _judge(self) -> None:
        self._count("cancel", Counter(call.number for call in self.world.effective("sf.cancel")), self._numbers())
        booked = Counter(call.key.rpartition("-")[0] for call in self.world.effective("zto.book"))
        self._count("booking", booked, set(booked), expected=len(self.parcels))
        coupons = Counter(row["order_id"] for row in await self._all("/v1/coupons") if row["state"] == "issued")
        self._count("coupon", coupons, {parcel.order for parcel in self.parcels})
        for channel in CHANNELS:
            said = Counter(message.to for message in self.world.received(channel))
            self._count(f"{channel} message", said, set(said), expected=len(self.parcels))
        await self._pushes()

    def _numbers(self) -> set[str]:
        return {parcel.number for parcel in self.parcels}

    def _count(self, what: str, found: Counter[str], of: set[str], *, expected: int | None = None) -> None:
        self.report.doubled += [f"{what} {key} x{number}" for key, number in found.items() if number > 1]
        self.report.lost += [f"{what} {key}" for key in of if not found[key]]
        if expected is not None and len(found) < expected:
            self.report.lost += [f"{what}: {expected - len(found)} of {expected}"]

    async def _pushes(self) -> None:
        for parcel in self.parcels:
            tracking = await self.gateway.get(f"/v1/tracking/{parcel.number}")
            texts = {scan["text"] for leg in tracking["legs"] for scan in leg["scans"]}
            self.report.lost += [f"push {text}" for text in parcel.acknowledged if text not in texts]


async def campaign(folder: Path, database_url: str, runs: int, seed: int = 0) -> Report:
    """A whole campaign on one store. folder: for its files."""
    world = World()
    async with serve(world) as sandbox:
        port = free_port()
        environ = variables(sandbox.port, sandbox.smtp_port, port)
        gateway = GatewayProcess(folder, prepared(folder), database_url, environ, port)
        await gateway.start()
        try:
            return await Campaign(gateway, sandbox, world, seed).run(runs)
        finally:
            await gateway.close()


async def _after(seconds: float) -> None:
    """The random moment of a kill: nothing can be waited for, that is the point."""
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(seconds, moment.set_result, None)
    await moment
