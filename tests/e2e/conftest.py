"""A gateway as a process of its own against stand-ins on sockets in the process of the test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.contract import Push
from gateway.domain import Status
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.e2e.process import ROOT, GatewayProcess
from tests.servers import free_port

#: What the scenario of the issue asks: cancel and book, one coupon, one message on every channel.
PLAYBOOK = {
    "severity": "high",
    "remedies": [
        {"do": "failover", "when": "before_handover"},
        {"do": "coupon", "tier": "sorry_small"},
        {"do": "message", "template": "stall_sorry", "send": "all", "channels": ["wechat", "sms", "email"]},
    ],
}


@dataclass
class Town:
    """Everything at once: the gateway, the stand-ins, their world."""

    gateway: GatewayProcess
    sandbox: Sandbox
    world: World

    async def push(self, push: Push) -> int:
        answer = await self.gateway.http.request(
            push.method, push.path, params=dict(push.query), headers=dict(push.headers), content=push.body
        )
        return answer.status_code

    async def never_picked_up(self, order: str = "SO-E2E-1") -> dict[str, Any]:
        """An SF label made four days ago that nobody collected, registered and pushed."""
        label = self.world.book("sf", order, phone="+8613800005514")
        person = customer(1, 12, datetime.now(UTC))
        shipment = await self.gateway.post("/v1/shipments", registration(order, "sf", label.number, person, {}))
        made = datetime.now(UTC) - timedelta(days=4)
        event = self.world.happen("sf", label.number, Status.PRE_TRANSIT, at=made, text="包装完成", place="深圳市")
        assert await self.push(self.sandbox.sf.push(label.number, event)) == 200
        return dict(shipment)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The sandbox's configuration with the playbook of the scenario."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", folder, symlinks=False)
    path = folder / "playbooks.yaml"
    document = yaml.safe_load(path.read_text())
    document["playbooks"]["stall_pre_transit"] = PLAYBOOK
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return folder


@pytest.fixture
async def town(tmp_path: Path, config: Path, database_url: str) -> AsyncIterator[Town]:
    world = World()
    async with serve(world) as sandbox:
        port = free_port()
        gateway = GatewayProcess(tmp_path, config, database_url, variables(sandbox.port, sandbox.smtp_port, port), port)
        await gateway.start()
        yield Town(gateway=gateway, sandbox=sandbox, world=world)
        await gateway.close()
