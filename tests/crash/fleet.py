"""The processes of one gateway: which of them are up, how they are killed, and how they come back."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.crash.moment import pause
from tests.e2e.process import GatewayProcess, eventually

#: One start in so many is killed, too, so many seconds after it began at most.
STARTS_KILLED, STARTING = 0.1, 1.0
#: A process that starts on a busy machine takes its time.
START_SECONDS = 600.0
#: A question that was not answered by then is asked again, elsewhere where there is an elsewhere.
ASK_SECONDS = 20.0
#: Where each process has its port: of a gateway that is one, and of the one that is five. No two may draw the same, and
#: the campaigns on both stores go at once.
ALONE, FIVE = range(20_000, 26_000), [range(first, first + 1_000) for first in range(26_000, 31_000, 1_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill -9. why: which moment it was."""

    at: datetime
    process: str
    why: str


class Fleet:
    """All processes of a gateway. webs: those that answer for it."""

    def __init__(self, processes: Sequence[GatewayProcess], webs: Sequence[GatewayProcess], chance: random.Random):
        self.processes, self.webs, self.chance = list(processes), list(webs), chance
        self.up: set[GatewayProcess] = set()
        self.kills: list[Kill] = []
        self._reviving: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        await asyncio.gather(*(self._begin(process) for process in self.processes))

    async def close(self) -> None:
        for task in self._reviving:
            task.cancel()
        await asyncio.gather(*self._reviving, return_exceptions=True)
        for process in self.processes:
            await process.close()

    # killing

    async def victims(self) -> list[GatewayProcess]:
        """Whom to kill next: of several processes now and then two. Waits until enough are up again."""
        number = 2 if len(self.processes) > 2 and self.chance.random() < 0.15 else 1
        others = max(0, len(self.processes) // 2 + 1 - number)
        await self.ready(number + others)
        return self.chance.sample(sorted(self.up, key=lambda one: one.url), number)

    async def kill(self, process: GatewayProcess, why: str) -> None:
        """Dead when this returns; it is being started again."""
        self._kill(process, why)
        await process.ended()
        task = asyncio.create_task(self._revive(process))
        self._reviving.add(task)
        task.add_done_callback(self._revived)

    def _kill(self, process: GatewayProcess, why: str) -> None:
        self.up.discard(process)
        self.kills.append(Kill(at=datetime.now(UTC), process=process.url, why=why))
        process.kill()

    async def _revive(self, process: GatewayProcess) -> None:
        if self.chance.random() < STARTS_KILLED:
            await process.spawn()
            await pause(self.chance.uniform(0, STARTING))
            self._kill(process, "while it started")
            await process.ended()
        await self._begin(process)

    async def _begin(self, process: GatewayProcess) -> None:
        await process.start(START_SECONDS)
        self.up.add(process)
        self._changed.set()

    def _revived(self, task: asyncio.Task[None]) -> None:
        """One that did not come back ends the campaign: `ready` raises what it said."""
        if task.cancelled() or task.exception() is None:
            self._reviving.discard(task)
        self._changed.set()

    async def ready(self, number: int) -> None:
        """Until so many are up. Raise what kept one from starting."""
        while True:
            for task in self._reviving:
                if task.done():
                    task.result()
            if len(self.up) >= number:
                return
            self._changed.clear()
            async with asyncio.timeout(START_SECONDS + 10):
                await self._changed.wait()

    # asking

    async def ask(self, method: str, path: str, **how: Any) -> httpx.Response | None:
        """One try at one of the webs. None: nobody answered, or not with yes."""
        web = self.chance.choice([web for web in self.webs if web in self.up] or self.webs)
        try:
            answer = await web.http.request(method, path, timeout=ASK_SECONDS, **how)
        except httpx.TransportError:
            return None
        return answer if answer.is_success else None

    async def insist(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Until somebody says yes, as an order system does. Raise AssertionError when nobody ever does."""

        async def once() -> httpx.Response | None:
            return await self.ask(method, path, **how)

        found: httpx.Response = await eventually(once, f"{method} {path} was never answered", seconds=START_SECONDS)
        return found

    async def all(self, path: str, **wanted: str) -> list[dict[str, Any]]:
        """Every item of a list."""
        items: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = (await self.insist("GET", path, params={"limit": "200", **wanted, **more})).json()
            items += page["items"]
            if not page["next_cursor"]:
                return items
            more = {"cursor": page["next_cursor"]}


def one_process(folder: Path, config: Path, url: str, environ: Mapping[str, str], chance: random.Random) -> Fleet:
    """A gateway that is one process."""
    process = GatewayProcess(folder, config, url, environ, quiet_port(ALONE))
    return Fleet([process], [process], chance)


def five_processes(folder: Path, config: Path, url: str, environ: Mapping[str, str], chance: random.Random) -> Fleet:
    """Two webs and three workers."""
    found = []
    for name, ports in zip(("web-1", "web-2", "worker-1", "worker-2", "worker-3"), FIVE, strict=True):
        (folder / name).mkdir()
        role = name.partition("-")[0]
        port = quiet_port(ports)
        found.append(GatewayProcess(folder / name, config, url, environ, port, ["--role", role]))
    return Fleet(found, found[:2], chance)


def quiet_port(among: range) -> int:
    """A port below those that connections get: nobody takes it while its process is dead. Not of the campaign's own
    chance: two campaigns of one seed would draw the same."""
    while True:
        port = random.SystemRandom().choice(among)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
