"""What goes on at the gateway while it is harmed: pushes, reads, and parcels in trouble; and what came of all that.

Every push says something that no poll could tell: what is seen of it later came through the inbox. Every parcel in
trouble is a label nobody collected: it ends with one cancel, one booking, one coupon and a message on each channel.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import httpx

from gateway.domain import Status
from gateway.sandbox.people import customer, registration
from gateway.sandbox.records import Event
from tests.e2e.process import eventually
from tests.faults.town import Town

#: Seconds until a request is given up by who sent it: a carrier waits less.
PATIENCE = 40.0
#: Phases in which nothing is wrong.
BEFORE, AFTER = "before", "after"
#: Seconds between a no and the next try, and between two parcels in trouble.
AGAIN, NEXT = 0.2, 0.7


@dataclass(slots=True)
class Answers:
    """To requests of one kind in one phase. hasty: a 503 that does not say when to come back."""

    statuses: Counter[int] = field(default_factory=Counter)
    hasty: int = 0
    cut: int = 0
    seconds: list[float] = field(default_factory=list)

    def note(self, answer: httpx.Response | None, seconds: float) -> None:
        self.seconds.append(seconds)
        if answer is None:
            self.cut += 1
        else:
            self.statuses[answer.status_code] += 1
            self.hasty += answer.status_code == 503 and "Retry-After" not in answer.headers

    @property
    def no(self) -> int:
        return self.statuses.total() - self.statuses[200] + self.cut

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=0.0)

    def __str__(self) -> str:
        parts = [f"{number} x {status}" for status, number in sorted(self.statuses.items())]
        parts += [f"{self.cut} not answered"] if self.cut else []
        return f"{', '.join(parts) or 'none'} (slowest {self.slowest:.1f} s)"


@dataclass(slots=True)
class Parcel:
    """said: how many things were pushed about it. acknowledged: the texts of those that were answered with yes."""

    order: str
    number: str
    person: dict[str, Any]
    said: int = 0
    acknowledged: list[str] = field(default_factory=list)


class Load:
    """`async with Load(town) as load`: goes on until the block is left; what has begun is then finished, not left."""

    def __init__(
        self, town: Town, *, parcels: int = 8, pushers: int = 4, readers: int = 2, troubles: bool = True
    ) -> None:
        self.town = town
        self.moving: list[Parcel] = []
        self.troubled: list[Parcel] = []
        self.pushes: dict[str, Answers] = defaultdict(Answers)
        self.reads: dict[str, Answers] = defaultdict(Answers)
        self.phase = BEFORE
        self.log_from = len(town.gateway.log())
        self.base = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self._numbers = (parcels, pushers, readers, troubles)
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        parcels, pushers, readers, troubles = self._numbers
        self.moving = [await self._registered() for _ in range(parcels)]
        work = [self._push_on(self.moving[number::pushers]) for number in range(pushers)]
        work += [self._read_on() for _ in range(readers)]
        work += [self._trouble_on()] if troubles else []
        self._tasks = [asyncio.create_task(one) for one in work]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if error is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=error is not None)

    @property
    def yes(self) -> int:
        """Pushes that were acknowledged so far."""
        return sum(answers.statuses[200] for answers in self.pushes.values())

    async def more(self, number: int) -> None:
        """Until so many more pushes were acknowledged."""
        wanted = self.yes + number

        async def enough() -> bool:
            return self.yes >= wanted

        await eventually(enough, f"pushes are not acknowledged: {dict(self.pushes)}", seconds=120)

    async def refused(self, number: int, *, reads: int = 1) -> None:
        """Until so many more pushes and reads were turned away in this phase, one way or another."""
        pushed, read = self.pushes[self.phase], self.reads[self.phase]
        number, reads = pushed.no + number, read.no + reads

        async def enough() -> bool:
            return pushed.no >= number and read.no >= reads

        await eventually(enough, f"nothing is turned away: {self.pushes} {self.reads}", seconds=120)

    # what goes on

    async def _registered(self) -> Parcel:
        town = self.town
        town.serial += 1
        order = f"SO-FAULT-{town.serial:05d}"
        label = town.world.book("sf", order, phone="+8613800005514")
        person = customer(town.serial, 12, datetime.now(UTC))
        await self._insist("POST", "/v1/shipments", json=registration(order, "sf", label.number, person, {}))
        return Parcel(order=order, number=label.number, person=person)

    async def _push_on(self, parcels: list[Parcel]) -> None:
        while not self._ending.is_set():
            for parcel in parcels:
                await self.push(parcel)

    async def push(self, parcel: Parcel) -> None:
        """The next thing that happens to a parcel, said until the gateway says yes."""
        parcel.said += 1
        at = self.base + timedelta(seconds=20 * parcel.said)
        text = f"途中 {parcel.number} {parcel.said}"
        event = Event(at=at, status=Status.IN_TRANSIT, text=text, place="武汉市", serial=self.town.world.serial())
        await self._say(parcel, event)

    async def _say(self, parcel: Parcel, event: Event) -> None:
        push = self.town.sandbox.sf.push(parcel.number, event)
        how: dict[str, Any] = {"params": dict(push.query), "headers": dict(push.headers), "content": push.body}
        while True:
            answer = await self._ask(self.pushes, push.method, push.path, **how)
            if answer is not None and answer.status_code == 200:
                parcel.acknowledged.append(event.text)
                return
            await asyncio.sleep(AGAIN)

    async def _read_on(self) -> None:
        while not self._ending.is_set():
            for parcel in self.moving:
                await self._ask(self.reads, "GET", f"/v1/tracking/{parcel.number}")
                await asyncio.sleep(0.02)

    async def _ask(self, kept: dict[str, Answers], method: str, path: str, **how: Any) -> httpx.Response | None:
        loop = asyncio.get_running_loop()
        phase, started = self.phase, loop.time()
        try:
            answer = await self.town.gateway.http.request(method, path, timeout=PATIENCE, **how)
        except httpx.TransportError:
            answer = None
        # Whoever asked before something went wrong and was answered after it was hit by it.
        kept[self.phase if phase in (BEFORE, AFTER) else phase].note(answer, loop.time() - started)
        return answer

    async def _trouble_on(self) -> None:
        while not self._ending.is_set():
            parcel = await self._registered()
            self.troubled.append(parcel)
            made = datetime.now(UTC) - timedelta(days=16)
            text = f"包装完成 {parcel.number}"
            await self._say(parcel, self.town.world.happen("sf", parcel.number, Status.PRE_TRANSIT, at=made, text=text))
            await asyncio.sleep(NEXT)

    async def _insist(self, method: str, path: str, **how: Any) -> None:
        async def once() -> bool:
            try:
                answer = await self.town.gateway.http.request(method, path, timeout=PATIENCE, **how)
            except httpx.TransportError:
                return False
            return answer.is_success

        await eventually(once, f"{method} {path} was never answered", seconds=120)
