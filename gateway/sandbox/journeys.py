"""Plays the journeys: what happens at the stand-ins, what is pushed, and whether the gateway says what it should.

The gateway is driven only over its HTTP API and its webhook addresses. A parcel that somebody else registers under a
journey's test number plays that journey too, from the moment in which the gateway first asks about it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway.sandbox.client import Gateway, GatewayError, deliver
from gateway.sandbox.conditions import Condition
from gateway.sandbox.people import customer, registration
from gateway.sandbox.pushing import pushes
from gateway.sandbox.records import Event, Waybill
from gateway.sandbox.run import Run, State
from gateway.sandbox.script import Again, Fail, Happening, Heal, Hold, Journey, Refresh, See, Step
from gateway.sandbox.server import Sandbox
from gateway.sandbox.view import View

log = logging.getLogger(__name__)

#: seconds a step may wait for the gateway, and between two looks at it
PATIENCE = 55.0
_LOOK = 0.3


class NotReached(Exception):
    """The gateway did not say in time what it should."""


class Runner:
    """Plays journeys against one gateway. pace: seconds between two steps, so that people can watch."""

    def __init__(
        self,
        sandbox: Sandbox,
        gateway: Gateway,
        journeys: tuple[Journey, ...],
        *,
        pace: float = 0,
        run: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.sandbox, self.world, self.gateway = sandbox, sandbox.world, gateway
        self.journeys = journeys
        self.view = View(sandbox.world, gateway)
        self._pace, self._patience = pace, patience
        self._run = int(time.time()) if run is None else run
        self._tasks: set[asyncio.Task[None]] = set()
        self.runs = [self._new(journey) for journey in journeys]
        self.world.stranger = self._stranger

    def _new(self, journey: Journey) -> Run:
        count = journey.parcels
        orders = [f"DEMO-{self._run % 10**6:06d}-{journey.prefix[-2:]}{index}" for index in range(count)]
        return Run(journey=journey, numbers=[journey.number(self._run, index) for index in range(count)], orders=orders)

    def start(self) -> None:
        """Begin all journeys at once."""
        for run in self.runs:
            self._spawn(run)

    def _spawn(self, run: Run) -> None:
        task = asyncio.create_task(self.play(run), name=f"journey {run.journey.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> list[Run]:
        """Wait until every journey has ended; all runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        return self.runs

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def play(self, run: Run) -> None:
        """One journey to its end; its state says how it went."""
        run.state = State.RUNNING
        try:
            await self._begin(run)
            for step in run.journey.steps:
                await asyncio.sleep(self._pace)
                await self._do(run, step)
                run.step += 1
            await self._until(run, run.journey.expect)
        except (NotReached, GatewayError) as error:
            run.state, run.note = State.FAILED, str(error)
            log.warning("journey %s failed: %s", run.journey.id, error)
        else:
            run.state = State.REACHED

    # the beginning

    async def _begin(self, run: Run) -> None:
        if run.adopted:
            await self._adopt(run)
            return
        now, journey = self.world.clock(), run.journey
        for index, (number, order) in enumerate(zip(run.numbers, run.orders, strict=True)):
            serial = (self._run * 100 + int(journey.prefix[-2:])) * 10 + index
            person = customer(serial, journey.hour, now)
            run.recipients.append(person)
            self._known(run, number, order, str(person["phone"]), now)
            body = registration(order, journey.carrier, number, person, journey.shipment)
            answer = await self.gateway.post("/v1/shipments", body)
            self._registered(run, answer)

    def _known(self, run: Run, number: str, order: str, phone: str, now: datetime) -> Waybill:
        """The carrier knows the parcel, and what had happened to it before."""
        waybill = self.world.book(run.journey.carrier, order, number=number, phone=phone, kind="2")
        run.events.append([self._happen(number, run.journey.carrier, one, now) for one in run.journey.history])
        return waybill

    def _registered(self, run: Run, shipment: Mapping[str, Any]) -> None:
        run.shipments.append(str(shipment["id"]))

    def _stranger(self, carrier: str, number: str) -> Waybill | None:
        """A test number that somebody else registered: play its journey for that one parcel."""
        journey = next((one for one in self.journeys if one.carrier == carrier and one.plays(number)), None)
        if journey is None:
            return None
        run = Run(journey=journey, numbers=[number], orders=[""], adopted=True)
        waybill = self._known(run, number, "", "", self.world.clock())
        self.runs.append(run)
        self._spawn(run)
        return waybill

    async def _adopt(self, run: Run) -> None:
        """Learn what the shop said about a parcel that we did not register."""
        rows = (await self.gateway.get("/v1/shipments", q=run.numbers[0]))["items"]
        if not rows:
            raise NotReached(f"the gateway asked for {run.numbers[0]} and does not know it")
        shipment = await self.gateway.get(f"/v1/shipments/{rows[0]['id']}")
        run.orders = [str(shipment["order_id"])]
        self._registered(run, shipment)
        booking = shipment.get("booking") or {}
        waybill = self.world.waybills[run.journey.carrier, run.numbers[0]]
        waybill.reference = str(booking.get("reference") or run.orders[0])

    # the steps

    async def _do(self, run: Run, step: Step) -> None:
        match step:
            case Happening():
                await self._happening(run, step)
            case Again():
                await self._again(run, step)
            case Fail():
                self.world.fail(step.provider, step.operation, None, step.how)
            case Heal():
                self.world.heal(step.provider)
            case Refresh():
                await self._each(run, self._refresh)
            case See():
                await self._until(run, (step.condition,))
            case Hold():
                await self._hold(run, step)

    def _happen(self, number: str, carrier: str, step: Happening, now: datetime) -> Event:
        return self.world.happen(
            carrier,
            number,
            step.status,
            at=now - step.ago,
            reason=step.reason,
            code=step.code,
            text=step.text,
            place=step.place,
        )

    async def _happening(self, run: Run, step: Happening) -> None:
        for index, number in enumerate(run.numbers):
            carrier, place = (run.journey.carrier, number)
            if step.leg == "current":
                carrier, place = await self._current(run, number)
            event = self._happen(place, carrier, step, self.world.clock())
            run.events[index].append(event)
            if step.push:
                await self._push(carrier, place, event)

    async def _current(self, run: Run, number: str) -> tuple[str, str]:
        """Carrier and number of the leg that now carries it."""
        (tracking,) = await self.view.rows("tracking", run, number)
        leg = next(one for one in tracking["legs"] if one["current"])
        return str(leg["carrier"]["code"]), str(leg["tracking_number"])

    async def _again(self, run: Run, step: Again) -> None:
        for index, number in enumerate(run.numbers):
            for position in step.events:
                await self._push(run.journey.carrier, number, run.events[index][position])

    async def _push(self, carrier: str, number: str, event: Event) -> None:
        for push, accepted in pushes(self.sandbox, carrier, number, event):
            if not await deliver(self.gateway, push, accepted):
                raise NotReached(f"the gateway did not take a push of {carrier}")

    async def _each(self, run: Run, deed: Callable[[str], Any]) -> None:
        for shipment in run.shipments:
            await deed(shipment)

    async def _refresh(self, shipment: str) -> None:
        """A no because it was asked a moment ago is fine: the next look will find it."""
        try:
            await self.gateway.post(f"/v1/shipments/{shipment}/refresh")
        except GatewayError as error:
            if error.status != 429:
                raise

    async def _until(self, run: Run, conditions: tuple[Condition, ...]) -> None:
        deadline = time.monotonic() + self._patience
        while (missing := await self.view.missing(run, conditions)) is not None:
            if time.monotonic() > deadline:
                raise NotReached(missing)
            await asyncio.sleep(_LOOK)

    async def _hold(self, run: Run, step: Hold) -> None:
        deadline = time.monotonic() + step.seconds
        while time.monotonic() < deadline:
            if (missing := await self.view.missing(run, (step.condition,))) is not None:
                raise NotReached(f"it did not last: {missing}")
            await asyncio.sleep(_LOOK)
