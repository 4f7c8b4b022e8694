"""A campaign on one store: parcels under way all the time, processes killed at random moments and started again.

Of several processes the next one dies while others still come back. What has ended is judged every so many runs, and
everything at the end, when the gateway has come to rest.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from gateway.sandbox.environment import variables
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from gateway.store.engine import connect
from tests.crash.evidence import keep
from tests.crash.fleet import Fleet, five_processes, one_process
from tests.crash.journeys import JOURNEYS, PLAYBOOKS
from tests.crash.judge import judge
from tests.crash.ledgers import judge_store, under_way
from tests.crash.moment import CALLS, Moments, pause
from tests.crash.report import Report
from tests.crash.shop import Lost, Shop
from tests.e2e.process import ROOT, GatewayProcess
from tests.servers import Postgres, Redis

#: Seconds from one kill to the next, at least and at most: of the only process, and of one of several.
ALONE, AMONG = (0.1, 1.5), (0.1, 0.8)
POLLED_SECONDS = 4
#: How many journeys are under way at most, and how many have begun before the first kill.
AT_ONCE, AT_FIRST = 12, 3
JUDGED_EVERY = 50
#: What is left to do when every journey has ended has to be done so soon.
REST_SECONDS = 300.0

#: Seconds after which another worker takes over. On a machine so busy that a process stands still for longer than that
#: between its note and its call, what it says then is said twice (docs/reliability.md): such a machine needs more.
LEASE_SECONDS = 3.0

Tell = Callable[[str], None]


class Campaign:
    """Kills, each with a new parcel under way."""

    def __init__(self, fleet: Fleet, sandbox: Sandbox, url: str, between: tuple[float, float], tell: Tell) -> None:
        self.fleet, self.url, self.between, self.tell = fleet, url, between, tell
        self.shop = Shop(fleet, sandbox)
        self.chance = fleet.chance
        self.report = Report()
        self._moments = Moments(sandbox.world, fleet.chance)
        self._journeys: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._judged = 0

    async def run(self, runs: int) -> Report:
        began = asyncio.get_running_loop().time()
        for _ in range(AT_FIRST):
            await self._begin()
        for number in range(1, runs + 1):
            victims = await self.fleet.victims()
            await self._begin()
            await self._moments.next(*self.between, partial(self._kill, victims))
            self.report.runs, self.report.kills = number, len(self.fleet.kills)
            if number % JUDGED_EVERY == 0:
                await self._judge_what_ended()
        await self._end()
        self.report.moments = Counter(_kind(kill.why) for kill in self.fleet.kills)
        self.report.seconds = asyncio.get_running_loop().time() - began
        return self.report

    async def _kill(self, victims: list[GatewayProcess], why: str) -> None:
        await asyncio.gather(*(self.fleet.kill(victim, why) for victim in victims))

    # journeys

    async def _begin(self) -> None:
        await self._room.acquire()
        journey = asyncio.create_task(self._journey())
        self._journeys.add(journey)
        journey.add_done_callback(self._ended)

    async def _journey(self) -> None:
        try:
            await self.chance.choice(JOURNEYS)(self.shop, random.Random(self.chance.random()))
        except (Lost, AssertionError) as never:  # eventually raises AssertionError
            self.report.loses([str(never)])

    def _ended(self, journey: asyncio.Task[None]) -> None:
        self._journeys.discard(journey)
        self._room.release()

    async def close(self) -> None:
        """What is under way when a campaign is broken off."""
        for journey in self._journeys:
            journey.cancel()
        await asyncio.gather(*self._journeys, return_exceptions=True)

    # judging

    async def _judge_what_ended(self) -> None:
        over = [parcel for parcel in self.shop.parcels if parcel.over]
        await judge(self.shop, self.report, over[self._judged :])
        self._judged = len(over)
        self.tell(f"{self.report.line()}, {len(self._journeys)} parcels under way, {len(over)} over")

    async def _end(self) -> None:
        await self.fleet.ready(len(self.fleet.processes))  # first: without them no journey ends
        await asyncio.gather(*self._journeys)
        self.report.kills = len(self.fleet.kills)
        self.report.loses(await self._left_over())
        over = [parcel for parcel in self.shop.parcels if parcel.over]
        await judge(self.shop, self.report, over)
        self.report.parcels = len(over)
        await judge_store(self.url, self.shop.world, self.report)

    async def _left_over(self) -> list[str]:
        """What is still not done although nothing hinders it any more."""
        store = connect(self.url, pool=2)
        try:
            async with asyncio.timeout(REST_SECONDS):
                while await under_way(store, datetime.now(UTC)):
                    await pause(0.2)
        except TimeoutError:
            return await under_way(store, datetime.now(UTC))
        finally:
            await store.close()
        return []


def _kind(why: str) -> str:
    """Of a moment: without the call that was under way."""
    return why.split()[0] if why.startswith(CALLS) else why


async def on_sqlite(folder: Path, runs: int, seed: int, tell: Tell, lease: float = LEASE_SECONDS) -> Report:
    """One process on a file. folder: for its files; what was found is kept there."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(serve(World()))
        url = f"sqlite:///{folder / 'gateway.db'}"
        environ = _environ(sandbox, lease)
        fleet = one_process(folder, prepared(folder), url, environ, random.Random(seed))
        return await _campaign(fleet, sandbox, url, folder, runs, ALONE, tell)


async def on_cluster(folder: Path, runs: int, seed: int, tell: Tell, lease: float = LEASE_SECONDS) -> Report:
    """Two web and three worker processes on a PostgreSQL and a Redis of their own."""
    async with AsyncExitStack() as stack:
        server, redis = stack.enter_context(Postgres()), stack.enter_context(Redis())
        server.create("crash")
        sandbox = await stack.enter_async_context(serve(World()))
        environ = {**_environ(sandbox, lease), "GATEWAY_REDIS_URL": redis.url}
        url = server.url("crash")
        fleet = five_processes(folder, prepared(folder), url, environ, random.Random(seed))
        return await _campaign(fleet, sandbox, url, folder, runs, AMONG, tell)


def _environ(sandbox: Sandbox, lease: float) -> dict[str, str]:
    return {**variables(sandbox.port, sandbox.smtp_port, 0), "GATEWAY_LEASE_SECONDS": f"{lease:g}"}


async def _campaign(
    fleet: Fleet, sandbox: Sandbox, url: str, folder: Path, runs: int, between: tuple[float, float], tell: Tell
) -> Report:
    campaign = Campaign(fleet, sandbox, url, between, tell)
    try:
        await fleet.start()
        return await campaign.run(runs)
    finally:
        await campaign.close()
        await keep(folder, campaign.report, fleet, sandbox.world, url)
        await fleet.close()


def prepared(folder: Path) -> Path:
    """The sandbox's configuration with this campaign's playbooks, without a budget that would end it, and polls that
    come soon."""
    config = folder / "config"
    shutil.copytree(ROOT / "gateway" / "sandbox" / "config", config, symlinks=False)
    playbooks = yaml.safe_load((config / "playbooks.yaml").read_text())
    playbooks["playbooks"] |= PLAYBOOKS
    (config / "playbooks.yaml").write_text(yaml.safe_dump(playbooks, allow_unicode=True))
    money = yaml.safe_load((config / "compensation.yaml").read_text())
    money.pop("budgets")
    (config / "compensation.yaml").write_text(yaml.safe_dump(money, allow_unicode=True))
    pace = yaml.safe_load((config / "polling.yaml").read_text())
    pace |= {"hours": {}, "default_hours": POLLED_SECONDS / 3600}
    (config / "polling.yaml").write_text(yaml.safe_dump(pace))
    return config
