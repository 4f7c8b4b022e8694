"""The demonstration itself: the real gateway as a process, every journey played to its end."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.config import load
from gateway.sandbox.client import Gateway, GatewayError
from gateway.sandbox.environment import variables
from gateway.sandbox.journeys import Runner
from gateway.sandbox.pushing import Receipts
from gateway.sandbox.run import State
from gateway.sandbox.script import journeys
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.e2e.process import eventually

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "gateway" / "sandbox" / "config"
KEY = "gw_key_of_the_sandbox_tests"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def test_the_configuration_of_the_demonstration_is_good() -> None:
    config = load(CONFIG, variables(8080, 8082, 8081))
    assert {"sf", "zto", "yto", "kuaidi100", "ups", "usps"} == set(config.carriers)


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, Gateway]]:
    """A sandbox, and a gateway process on its configuration."""
    port = free_port()
    async with serve(World()) as sandbox, Gateway(f"http://127.0.0.1:{port}", KEY) as gateway:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
            **variables(sandbox.port, sandbox.smtp_port, port),
            "GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.db'}",
            "GATEWAY_CONFIG": str(CONFIG),
            "GATEWAY_PORT": str(port),
            "GATEWAY_ADMIN_KEY": KEY,
            "GATEWAY_SECRET_KEY": "of-the-sandbox-tests-only-0123456",
            "GATEWAY_PUBLIC_URL": gateway.url,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve"), env=environment, cwd=ROOT
        )
        try:
            await asyncio.wait_for(_ready(gateway, process), 60)
            yield sandbox, gateway
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(gateway: Gateway, process: asyncio.subprocess.Process) -> None:
    async def answers() -> bool:
        assert process.returncode is None, "the gateway ended before it was ready"
        try:
            await gateway.get("/readyz")
        except GatewayError:
            return False
        return True

    await eventually(answers, "the gateway was never ready")


@pytest.mark.e2e
async def test_every_journey_reaches_its_end(real: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = real
    receipts = Receipts(sandbox, gateway, {"aliyun": "sms", "wechat": "oa"})
    runner = Runner(sandbox, gateway, journeys())
    runner.start()
    runs = await runner.finish()
    await receipts.close()
    assert {run.journey.id: run.note or run.state for run in runs} == {
        journey.id: State.REACHED for journey in journeys()
    }
    world = sandbox.world
    assert len(world.effective("sf.cancel")) == len(world.effective("zto.book")) == 1
    keys = [call.key for operation in ("aliyun.send", "wechat.send") for call in world.effective(operation)]
    assert len(keys) == len(set(keys))
