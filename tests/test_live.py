"""`gateway live`: one poll as a person would make it, against a stand-in on a socket."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain import Status
from gateway.sandbox.environment import variables
from gateway.sandbox.server import serve
from gateway.sandbox.world import World

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "gateway" / "sandbox" / "config"


async def live(*arguments: str, environ: dict[str, str], config: Path = CONFIG) -> tuple[int, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "live", *arguments),
        cwd=ROOT,
        env={**plain, **environ, "GATEWAY_CONFIG": str(config)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return await process.wait(), said.decode()


async def test_the_scans_are_printed() -> None:
    world = World()
    async with serve(world) as sandbox:
        parcel = world.book("zto", "SO-1", phone="+8613800005514")
        world.happen("zto", parcel.number, Status.PICKED_UP, at=datetime(2026, 3, 5, 4, tzinfo=UTC), place="上海市")
        environ = variables(sandbox.port, sandbox.smtp_port, 1)
        code, said = await live("zto", "--number", parcel.number, "--phone", "+8613800005514", environ=environ)
        assert (code, "2026-03-05T12:00:00+08:00 (given) picked_up" in said) == (0, True), said
        code, said = await live("zto", "--number", "73100000000099", "--phone", "+8613800005514", environ=environ)
        assert code in {0, 1}, said


async def test_what_is_missing_is_named_and_a_row_that_is_off_will_do() -> None:
    code, said = await live("sf", "--number", "SF1234567890123", environ={}, config=ROOT / "config")
    assert code == 2
    assert "carriers.sf.settings.partner_id: ${SF_PARTNER_ID} is not set in the environment" in said
    code, said = await live("pigeon", "--number", "1", environ={})
    assert (code, "has no carrier pigeon" in said) == (2, True)
