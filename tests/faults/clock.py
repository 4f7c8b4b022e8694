"""The machine's clock jumps, two days forwards and one day backwards: taken back soon, or for good.

The gateway runs in this process, put together as `gateway serve` does it, on a clock of ours. APScheduler, which goes
by the machine's own clock, is not fooled here.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.app import Gateway
from gateway.config import load
from gateway.domain import Status
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import serve
from gateway.sandbox.world import World
from gateway.settings import Environment
from gateway.steady import Steady
from tests.e2e.process import GatewayProcess, eventually
from tests.faults.finding import Finding
from tests.faults.judge import judged
from tests.faults.load import AFTER, Load
from tests.faults.town import Town, prepared
from tests.servers import free_port

#: How long a jump must last here until it is believed (the gateway's own: ten minutes).
PROOF = timedelta(seconds=15)
#: Parcels that would have stood still for too long if two more days had really passed.
QUIET = 5
_LOGS = ("gateway", "apscheduler")


class Inside(GatewayProcess):
    """A gateway in this process, asked over HTTP as the others are."""

    def __init__(self, folder: Path, config: Path, variable: dict[str, str], port: int) -> None:
        super().__init__(folder, config, f"sqlite:///{folder}/gateway.db", variable, port)
        self.off = timedelta()
        own = {name: value for name, value in self._environment.items() if name.startswith("GATEWAY_")}
        self.steps: list[timedelta] = []
        steady = Steady(lambda: datetime.now(UTC) + self.off, time.monotonic, proof=PROOF)
        steady.stepped.append(self.steps.append)
        self._gateway = Gateway(Environment.read(own), load(config, self._environment), clock=steady)
        self._heard = logging.FileHandler(folder / "gateway.log", encoding="utf-8")

    @property
    def pid(self) -> int:
        return os.getpid()

    async def start(self) -> None:
        for name in _LOGS:
            logging.getLogger(name).addHandler(self._heard)
        await self._gateway.start()

    async def close(self) -> None:
        await self._gateway.stop()
        await self.http.aclose()
        for name in _LOGS:
            logging.getLogger(name).removeHandler(self._heard)
        self._heard.close()

    def believed(self) -> bool:
        """Whether the gateway goes by the jump."""
        return abs(self._gateway.rt.clock() - datetime.now(UTC) - self.off) < timedelta(seconds=30)


@dataclass
class Ground:
    town: Town
    inside: Inside


@asynccontextmanager
async def ground(folder: Path, short: bool) -> AsyncIterator[Ground]:
    def stalls(document: dict[str, Any]) -> None:
        document["overrides"].append({"carrier": "sf", "status": "in_transit", "threshold": {"stall": 100}})

    world = World()
    async with serve(world) as sandbox:
        port = free_port()
        variable = variables(sandbox.port, sandbox.smtp_port, port)
        inside = Inside(folder, prepared(folder, {"stalls": stalls}), variable, port)
        await inside.start()
        try:
            yield Ground(town=Town(gateway=inside, sandbox=sandbox, world=world), inside=inside)
        finally:
            await inside.close()


def taken_back(fault: str, off: timedelta) -> Any:
    """The clock is off by so much for a moment, while parcels are in trouble."""

    async def done(on: Ground, short: bool) -> Finding:
        finding = Finding(fault=fault, done=f"by {off.days:+d} days, and right again before it is believed")
        on.inside.steps.clear()
        quiet = await _standing(on.town)
        load = Load(on.town)
        async with load:
            await load.more(10)
            load.phase = "off"
            on.inside.off += off
            await load.more(10)
            on.inside.off -= off
            load.phase = AFTER
            await load.more(10)
            await _polls_go_on(on.town)
        _said(finding, load)
        finding.expect(not on.inside.steps, f"it was believed: {on.inside.steps}")
        stalled = await _stalled(on.town, quiet)
        finding.seen += [f"stalls of {QUIET} quiet parcels: {stalled}", "polls go on"]
        finding.expect(not stalled, "it opened stalls")
        return await judged(load, finding)

    return done


def for_good(fault: str, off: timedelta) -> Any:
    """The clock is off until it is believed. What was done before is counted again after: nothing is done twice."""

    async def done(on: Ground, short: bool) -> Finding:
        finding = Finding(fault=fault, done=f"by {off.days:+d} days, for good: it is believed")
        on.inside.steps.clear()
        quiet = await _standing(on.town)
        before = Load(on.town)
        async with before:
            await before.more(10)
        await judged(before, finding)
        load = Load(on.town, troubles=False)
        async with load:
            load.phase = "off"
            on.inside.off += off
            await load.more(10)
            await eventually(lambda: _believes(on), "it is not believed", seconds=90)
            await load.more(10)
            await _polls_go_on(on.town)
            incidents = await _incidents(on.town)
            await eventually(lambda: _heard(on.town), "a carrier is still unheard", seconds=120)
        _said(finding, load)
        stalled = await _stalled(on.town, quiet)
        finding.seen += [f"incidents: {len(incidents)}, over when each carrier was asked"] if incidents else []
        finding.seen += [f"stalls of {QUIET} quiet parcels: {stalled}", "polls go on"]
        await judged(load, finding)
        return await judged(before, finding)

    return done


def _said(finding: Finding, load: Load) -> None:
    pushes, reads = load.pushes["off"], load.reads["off"]
    finding.seen.append(f"pushes meanwhile: {pushes}")
    finding.expect(not pushes.no + reads.no, f"pushes {pushes}, reads {reads}")


async def _believes(on: Ground) -> bool:
    return on.inside.believed()


async def _incidents(town: Town) -> list[str]:
    """Carriers that are silent by our clock."""
    cases = await town.all("/v1/cases", kind="carrier_incident")
    return [case["carrier"] for case in cases if case["state"] != "cleared"]


async def _heard(town: Town) -> bool:
    return not await _incidents(town)


async def _standing(town: Town) -> set[str]:
    """Orders of parcels whose last scan is three days old."""
    orders = {}
    for _ in range(QUIET):
        town.serial += 1
        order = f"SO-QUIET-{town.serial:05d}"
        person = customer(town.serial, 12, datetime.now(UTC))
        label = town.world.book("sf", order, phone=person["phone"])
        at = datetime.now(UTC) - timedelta(days=3)
        town.world.happen("sf", label.number, Status.IN_TRANSIT, at=at, text="途中", place="武汉市")
        await town.gateway.post("/v1/shipments", registration(order, "sf", label.number, person, {}))
        orders[order] = label.number

    async def known() -> bool:
        found = [await town.gateway.get(f"/v1/tracking/{number}") for number in orders.values()]
        return all(leg["scans"] for tracking in found for leg in tracking["legs"])

    await eventually(known, "the quiet parcels are not polled", seconds=120)
    return set(orders)


async def _stalled(town: Town, orders: set[str]) -> int:
    cases = await town.all("/v1/cases", kind="stall_in_transit")
    return sum(case["order_id"] in orders for case in cases)


async def _polls_go_on(town: Town) -> None:
    before = len(town.world.calls)

    async def asked() -> bool:
        return any(call.operation == "query" and call.provider == "sf" for call in town.world.calls[before:])

    await eventually(asked, "nothing is polled any more", seconds=90)
