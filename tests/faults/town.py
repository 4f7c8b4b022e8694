"""A real gateway beside its stand-ins, to be harmed."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.sandbox.environment import variables
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.e2e.conftest import PLAYBOOK
from tests.e2e.process import ROOT, GatewayProcess
from tests.servers import free_port

#: Given a document of the configuration by its name, change it.
Change = Callable[[dict[str, Any]], None]


@dataclass
class Town:
    """serial: of the last parcel."""

    gateway: GatewayProcess
    sandbox: Sandbox
    world: World
    serial: int = 0

    def memory(self) -> tuple[int, int]:
        """Resident MB of the gateway, now and at most so far (Linux)."""
        lines = Path(f"/proc/{self.gateway.pid}/status").read_text().splitlines()
        said = dict(line.split(":", 1) for line in lines if ":" in line)
        now, most = (int(said[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    def forget_peak(self) -> None:
        """The most memory is counted from now on."""
        Path(f"/proc/{self.gateway.pid}/clear_refs").write_text("5")

    async def all(self, path: str, **wanted: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self.gateway.get(path, limit="200", **wanted, **more)
            items += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return items

    async def gauge(self, name: str) -> dict[str, float]:
        """Of /metrics: labels as they are written -> value."""
        text = (await self.gateway.http.get("/metrics", timeout=60)).text
        lines = (line.rpartition(" ") for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
        return {head.removeprefix(name): float(value) for head, _, value in lines}


def prepared(folder: Path, changes: Mapping[str, Change] | None = None) -> Path:
    """The sandbox's configuration with a playbook of every kind of remedy, no cap or budget that would end it, and
    these changes by document ("carriers", "stalls" ...)."""
    config = folder / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)

    def playbook(document: dict[str, Any]) -> None:
        document["playbooks"]["stall_pre_transit"] = PLAYBOOK

    def no_budget(document: dict[str, Any]) -> None:
        document.pop("budgets", None)

    for name, change in [("playbooks", playbook), ("compensation", no_budget), *(changes or {}).items()]:
        path = config / f"{name}.yaml"
        document = yaml.safe_load(path.read_text())
        change(document)
        path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return config


@asynccontextmanager
async def town(
    folder: Path,
    database_url: str,
    *,
    changes: Mapping[str, Change] | None = None,
    environ: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> AsyncIterator[Town]:
    """folder: for the log and the configuration. changes: of `prepared`. environ: more of the gateway's."""
    world = World()
    async with serve(world) as sandbox:
        port = free_port()
        variable = {**variables(sandbox.port, sandbox.smtp_port, port), **(environ or {})}
        gateway = GatewayProcess(folder, prepared(folder, changes), database_url, variable, port, arguments)
        try:
            await gateway.start()
            yield Town(gateway=gateway, sandbox=sandbox, world=world)
        finally:
            await gateway.close()
