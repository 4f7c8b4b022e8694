"""Hand-made carriers and a runtime for the tests of tracking: adapters that record what they were asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

from gateway.contract import BadPayload, Can, CarrierAdapter, CarrierSettings, Push
from gateway.domain import Basis, LegRef, Scan, Status
from gateway.plugins import Carrier, Carriers, Notifiers
from gateway.policies import Policies
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Routes, Stalls
from gateway.rules.policy.pace import PollPace
from gateway.runtime import Runtime
from gateway.settings import CarrierRow
from gateway.store.engine import Store
from gateway.store.shipments import get
from gateway.tracking.change import Change, Snapshot
from gateway.tracking.poll import poll_carrier
from gateway.tracking.register import NewShipment, register

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


def scan(number: str = "A1", *, hours: float = 0, status: Status = Status.IN_TRANSIT, **more: Any) -> Scan:
    """A scan so many hours after NOW, in China's zone."""
    at = (NOW + timedelta(hours=hours)).astimezone(CHINA)
    values: dict[str, Any] = {"carrier_code": status.value, "text": f"{status} {hours:g}", **more}
    return Scan(tracking_number=number, at=at, basis=Basis.CARRIER_ZONE, status=status, **values)


Answer = Callable[[Sequence[LegRef]], "list[Scan] | Exception"]


class Fake(CarrierAdapter):
    """Answers polls as the test says and reads pushes of the form [[number, hours, status, code?, company?], ...]."""

    code = "fake"
    name = "Fake"
    can = Can.POLL | Can.WEBHOOK
    statuses: Mapping[str, Any] = {}
    batch = 3

    def __init__(self, settings: CarrierSettings, http: httpx.AsyncClient) -> None:
        super().__init__(settings, http)
        self.answer: Answer = lambda legs: []
        self.asked: list[list[LegRef]] = []
        self.hang: asyncio.Event | None = None
        self.called = asyncio.Event()

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        self.asked.append(list(legs))
        self.called.set()
        if self.hang is not None:
            await self.hang.wait()
        answer = self.answer(legs)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def numbers(self) -> list[list[str]]:
        return [[leg.tracking_number for leg in legs] for legs in self.asked]

    def receive(self, request: Push) -> list[Scan]:
        try:
            rows = json.loads(request.body)
        except ValueError as error:
            raise BadPayload("not JSON") from error
        if rows == "bug":
            raise KeyError("surprise")
        return [_pushed(*row) for row in rows]


class FakeAggregator(Fake):
    code = "fake_aggregator"
    aggregator = True


class FakeSubscribing(Fake):
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE


class FakeDeaf(Fake):
    """Pushes only."""

    can = Can.WEBHOOK


def _pushed(number: str, hours: float, status: str, code: str = "", company: str | None = None) -> Scan:
    return scan(number, hours=hours, status=Status(status), carrier_code=code or status, company=company)


def carrier(code: str, kind: type[Fake] = Fake, **row: Any) -> Carrier:
    settings = CarrierSettings(base_url="https://fake.test")
    adapter = kind(settings, httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(500))))
    values = {"adapter": kind.code, "name": {"zh-CN": f"{code}快递", "en": code.upper()}, "country": "CN", **row}
    return Carrier(code=code, row=CarrierRow(**values), adapter=adapter)


def carriers(*given: Carrier) -> Carriers:
    return Carriers({one.code: one for one in given})


def runtime(store: Store, *given: Carrier, clock: Clock | None = None, **more: Any) -> World:
    seed = {
        "routes": Routes(),
        "stalls": Stalls(thresholds={}),
        "playbooks": Playbooks.model_validate({"playbooks": {"default": {}}}),
        "compensation": Compensation(tiers={}),
        "messages": MessagePolicy(),
    }
    return World(
        store=store,
        carriers=carriers(*(given or (carrier("sf"),))),
        notifiers=Notifiers({}, {}),
        policies=Policies(seed, PollPace()),
        secret=b"s" * 32,
        public_url="https://gateway.test",
        clock=clock or Clock(),
        **more,
    )


async def poll_due(rt: Runtime) -> int:
    """Ask about every leg that is due now, and wait for all answers: how many were claimed."""
    return sum([await poll_carrier(rt, code) for code in rt.carriers])


@dataclass(kw_only=True)
class World(Runtime):
    """A runtime that remembers every change it was told of."""

    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.follow = (*self.follow, self._remember)

    @staticmethod
    async def _remember(rt: Runtime, tx: Any, changes: Sequence[Change]) -> None:
        assert isinstance(rt, World)
        rt.changes.extend(changes)

    @property
    def time(self) -> Clock:
        assert isinstance(self.clock, Clock)
        return self.clock

    def fake(self, code: str) -> Fake:
        adapter = self.carriers[code].adapter
        assert isinstance(adapter, Fake)
        return adapter

    async def registered(self, number: str = "A1", carrier: str = "sf", **more: Any) -> str:
        new = NewShipment(order_id=more.pop("order_id", "SO-1"), carrier=carrier, tracking_number=number, **more)
        async with self.store.write() as tx:
            return (await register(self, tx, new)).id

    async def shipment(self, shipment_id: str) -> Snapshot:
        async with self.store.read() as tx:
            return Snapshot.of(await get(tx, shipment_id))
