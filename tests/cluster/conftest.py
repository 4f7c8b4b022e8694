"""Two web and three worker processes on a PostgreSQL and a Redis of their own, against stand-ins on sockets."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from gateway.contract import Push
from gateway.domain import Status
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from tests.e2e.conftest import PLAYBOOK
from tests.e2e.process import ROOT, GatewayProcess, eventually
from tests.servers import Postgres, Redis, free_port

WEBS, WORKERS = 2, 3


@dataclass
class Cluster:
    """Everything at once. webs and workers: a gateway process each, with its own port and log."""

    postgres: Postgres
    redis: Redis
    sandbox: Sandbox
    world: World
    webs: list[GatewayProcess] = field(default_factory=list)
    workers: list[GatewayProcess] = field(default_factory=list)
    serial: int = 0

    @property
    def processes(self) -> list[GatewayProcess]:
        return [*self.webs, *self.workers]

    def logs(self) -> str:
        return "\n".join(f"--- {one.folder.name}\n{one.log()[-1500:]}" for one in self.processes)

    def person(self) -> dict[str, Any]:
        """Somebody who never ordered before."""
        self.serial += 1
        return customer(self.serial, 12, datetime.now(UTC))

    async def push(self, web: GatewayProcess, push: Push) -> int:
        answer = await web.http.request(
            push.method, push.path, params=dict(push.query), headers=dict(push.headers), content=push.body
        )
        return answer.status_code

    async def shipment(self, web: GatewayProcess, carrier: str = "sf") -> dict[str, Any]:
        """A label of a carrier, registered."""
        person = self.person()
        order = f"SO-CL-{self.serial:04d}"
        label = self.world.book(carrier, order, phone=person["phone"])
        return dict(await web.post("/v1/shipments", registration(order, carrier, label.number, person, {})))

    async def says(self, web: GatewayProcess, number: str, status: Status, *, ago: timedelta, place: str = "") -> int:
        """SF pushes something about a number to one of the webs."""
        at = datetime.now(UTC) - ago
        event = self.world.happen("sf", number, status, at=at, text=f"{status}", place=place)
        return await self.push(web, self.sandbox.sf.push(number, event))

    async def ticks(self, process: GatewayProcess) -> Counter[str]:
        """How many ticks were this process's to do, by name."""
        text = (await process.http.get("/metrics")).text
        found = re.findall(r'^gateway_ticks_total\{tick="(\w+)"\} (\d+)', text, re.M)
        return Counter({name: int(number) for name, number in found})

    async def are(self, status: str, *, processes: list[GatewayProcess] | None = None) -> None:
        """Until every process says so of itself on /readyz, with 200."""

        async def all_say() -> bool:
            answers = [await one.http.get("/readyz") for one in processes or self.processes]
            return all(one.status_code == 200 and one.json()["status"] == status for one in answers)

        await eventually(all_say, f"not everybody is {status}")

    async def knows(self, web: GatewayProcess, number: str, wanted: str) -> dict[str, Any]:
        """Until the tracking of a number has this status."""

        async def known() -> dict[str, Any] | None:
            tracking: dict[str, Any] = await web.get(f"/v1/tracking/{number}")
            return tracking if tracking["status"] == wanted else None

        return dict(await eventually(known, f"{number} never was {wanted}: {self.logs()}"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def configuration(folder: Path) -> Path:
    """The sandbox's, with a playbook that does everything there is."""
    config = folder / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)
    path = config / "playbooks.yaml"
    document = yaml.safe_load(path.read_text())
    document["playbooks"]["stall_pre_transit"] = PLAYBOOK
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return config


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Redis]]:
    """Servers that these tests may stop."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        postgres.create("cluster")
        yield postgres, stack.enter_context(Redis())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(folder: Path, configuration: Path, servers: tuple[Postgres, Redis]) -> AsyncIterator[Cluster]:
    postgres, redis = servers
    async with serve(World()) as sandbox:
        here = Cluster(postgres=postgres, redis=redis, sandbox=sandbox, world=sandbox.world)
        ports = [free_port() for _ in range(WEBS + WORKERS)]
        known = {
            **variables(sandbox.port, sandbox.smtp_port, ports[0]),
            "GATEWAY_REDIS_URL": redis.url,
            "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        }
        for number, port in enumerate(ports):
            role = "web" if number < WEBS else "worker"
            own = folder / f"{role}-{number}"
            own.mkdir()
            process = GatewayProcess(own, configuration, postgres.url("cluster"), known, port, ["--role", role])
            (here.webs if role == "web" else here.workers).append(process)
        try:
            await asyncio.gather(*(process.start() for process in here.processes))
            yield here
        finally:
            for process in here.processes:
                await process.close()
