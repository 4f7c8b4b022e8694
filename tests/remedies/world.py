"""A floor whose carriers are fakes that record what they did; everything else is real.

Shared by the tests of cases, stalls and remedies.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway import cases, remedies, stalls
from gateway.cases.announce import EVENT
from gateway.cases.view import load_case
from gateway.contract import Can, CarrierAdapter, CarrierSettings
from gateway.domain import Basis, Booking, LegRef, Parcel, Scan, Source, Status
from gateway.outcome import Done, End
from gateway.plugins import Carrier, Carriers, Notifiers
from gateway.policies import Policies
from gateway.remedies.deliver import deliver_due
from gateway.remedies.doers import DOERS, Doer
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Routes, Stalls
from gateway.rules.policy.pace import PollPace
from gateway.runtime import Runtime
from gateway.settings import CarrierRow
from gateway.stalls.sweep import sweep
from gateway.store import cases as case_rows
from gateway.store import health, ledger, legs, outbox, shipments
from gateway.store.cases import Wanted
from gateway.store.engine import Store
from gateway.store.rows import Row
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, register

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process died at this very moment: nothing after it is run."""


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


@dataclass
class Books:
    """What a carrier really did, whatever its answers were. scripts: per call, an error to raise before or after."""

    booked: dict[str, Booking] = field(default_factory=dict)
    void: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    before: dict[str, list[BaseException | None]] = field(default_factory=dict)
    after: dict[str, list[BaseException | None]] = field(default_factory=dict)
    scans: list[Scan] = field(default_factory=list)
    intercepted: list[str] = field(default_factory=list)

    def enter(self, call: str) -> None:
        self.calls[call] += 1
        _raise(self.before.get(call))

    def leave(self, call: str) -> None:
        _raise(self.after.get(call))


def _raise(script: list[BaseException | None] | None) -> None:
    error = script.pop(0) if script else None
    if error is not None:
        raise error


class Booker(CarrierAdapter):
    """Books, cancels and intercepts, and knows what it did."""

    code = "booker"
    name = "Booker"
    can = Can.POLL | Can.WEBHOOK | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    statuses: dict[str, Any] = {}

    def __init__(self, code: str) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(500))
        super().__init__(CarrierSettings(base_url="https://b.test"), httpx.AsyncClient(transport=transport))
        self.prefix = code.upper()
        self.did = Books()

    async def poll(self, asked: Sequence[LegRef]) -> list[Scan]:
        self.did.enter("poll")
        void = [scan(leg.tracking_number, Status.CANCELLED) for leg in asked if leg.tracking_number in self.did.void]
        return [*self.did.scans, *void]

    async def book(self, parcel: Parcel, key: str) -> Booking:
        self.did.enter("book")
        if key in self.did.booked:
            raise AssertionError(f"booked twice under {key}")
        number = f"{self.prefix}{len(self.did.booked) + 1:04d}"
        self.did.booked[key] = Booking(tracking_number=number, reference=key)
        self.did.leave("book")
        return self.did.booked[key]

    async def find_booking(self, key: str) -> Booking | None:
        self.did.enter("find")
        return self.did.booked.get(key)

    async def cancel(self, leg: LegRef) -> None:
        self.did.enter("cancel")
        self.did.void.add(leg.tracking_number)
        self.did.leave("cancel")

    async def intercept(self, leg: LegRef) -> str:
        self.did.enter("intercept")
        self.did.intercepted.append(leg.tracking_number)
        self.did.leave("intercept")
        return f"stop-{leg.tracking_number}"


class ByHand(Booker):
    """Has no interface for cancelling, nor for stopping a parcel."""

    can = Can.POLL | Can.WEBHOOK | Can.BOOK


class Deaf(Booker):
    """Pushes only."""

    can = Can.WEBHOOK


def scan(number: str, status: Status, at: datetime = NOW, **more: Any) -> Scan:
    values: dict[str, Any] = {"carrier_code": status.value, "text": str(status), "place": "深圳市", **more}
    return Scan(tracking_number=number, at=at, basis=Basis.GIVEN, status=status, **values)


def route(carrier: str, *backups: str, mode: str = "auto") -> dict[str, Any]:
    when = {"carrier": carrier}
    return {"id": f"from-{carrier}", "when": when, "mode": mode, "backups": [{"carrier": one} for one in backups]}


POLICIES: dict[str, Any] = {
    "routes": {"routes": [route("sf", "zto", "jd")]},
    "stalls": {
        "thresholds": {
            "pre_transit": {"domestic": {"warn": 24, "stall": 48}},
            "in_transit": {"domestic": {"warn": 24, "stall": 48}},
        }
    },
    "playbooks": {
        "playbooks": {
            "default": {},
            "stall_pre_transit": {
                "severity": "high",
                "remedies": [
                    {"do": "failover"},
                    {"do": "coupon", "tier": "sorry"},
                    {"do": "message", "template": "stall_sorry", "send": "all"},
                ],
            },
            "stall_in_transit": {
                "severity": "high",
                "remedies": [
                    {"do": "assign", "owner": "logistics", "within_hours": 8, "phases": ["warn", "stall"]},
                    {"do": "coupon", "tier": "sorry"},
                ],
            },
        }
    },
    "compensation": {
        "tiers": {"sorry": {"amount": 10, "currency": "CNY"}, "big": {"amount": 90, "currency": "CNY"}},
        "caps": {"per_order": None, "per_customer_30_days": None, "per_address_30_days": None, "per_day": None},
    },
    "messages": {},
}
MODELS = {
    "routes": Routes,
    "stalls": Stalls,
    "playbooks": Playbooks,
    "compensation": Compensation,
    "messages": MessagePolicy,
}


@dataclass(kw_only=True)
class World(Runtime):
    """said: keys of the message deeds that were carried out."""

    said: list[str] = field(default_factory=list)

    @property
    def time(self) -> Clock:
        assert isinstance(self.clock, Clock)
        return self.clock

    def books(self, carrier: str) -> Books:
        adapter = self.carriers[carrier].adapter
        assert isinstance(adapter, Booker)
        return adapter.did

    async def register(self, number: str = "SF1", order: str = "SO-1", carrier: str = "sf", **more: Any) -> str:
        known = {**DOCUMENT, **more.pop("document", {})}
        new = NewShipment(order_id=order, carrier=carrier, tracking_number=number, document=known, **more)
        async with self.store.write() as tx:
            return (await register(self, tx, new)).id

    async def hear(
        self, number: str, status: Status, *, carrier: str = "sf", replay: bool = False, **more: Any
    ) -> None:
        """The carrier tells of a scan that happens now."""
        told = scan(number, status, more.pop("at", self.clock()), **more)
        heard = Heard(provider=carrier, source=Source.WEBHOOK, scan=told, learned_at=self.clock())
        async with self.store.write() as tx:
            await record(self, tx, [heard], replay=replay)

    async def answered(self, *shipment_ids: str) -> None:
        """The carriers were asked about the legs just now, and had nothing new."""
        async with self.store.write() as tx:
            rows = await legs.of_shipments(tx, shipment_ids)
            await legs.answered(tx, [row.id for row in rows], self.clock())
        await self.speaks(*{row.carrier for row in rows})

    async def speaks(self, *carriers: str) -> None:
        """These carriers answer again."""
        async with self.store.write() as tx:
            for code in carriers:
                await health.mended(tx, code)
            await health.heard(tx, dict.fromkeys(carriers, self.clock()))

    async def fails(self, carrier: str, times: int = 5) -> None:
        """Polls of a carrier fail, one a minute."""
        for _ in range(times):
            async with self.store.write() as tx:
                await health.failed(tx, carrier, self.time.forward(minutes=1), "timeout")

    async def stall(self, *shipment_ids: str, hours: float = 50) -> None:
        """So many hours pass, the carrier is heard and knows nothing new, and the clock looks."""
        self.time.forward(hours=hours)
        await self.answered(*shipment_ids)
        await sweep(self)

    async def deliver(self, **doers: Doer) -> int:
        """doers: instead of those that are there."""
        return await deliver_due(self, doers={**DOERS, "message": self._say, **doers})

    @staticmethod
    async def _say(rt: Runtime, deed: Row) -> End:
        assert isinstance(rt, World)
        rt.said.append(deed.key)
        return Done()

    async def shipment(self, shipment_id: str) -> Row:
        async with self.store.read() as tx:
            row = await shipments.get(tx, shipment_id)
        assert row is not None
        return row

    async def cases(self, kind: str | None = None) -> list[dict[str, Any]]:
        async with self.store.read() as tx:
            rows = await case_rows.listing(tx, Wanted(kind=kind), now=self.clock(), limit=50)
            found = [await load_case(tx, row.id, self.clock()) for row in reversed(rows)]
        return [case for case in found if case is not None]

    async def case(self, kind: str) -> dict[str, Any]:
        (only,) = await self.cases(kind)
        return only

    async def remedies(self, kind: str) -> dict[str, str]:
        """Kind of remedy -> its state."""
        return {remedy["kind"]: remedy["state"] for remedy in (await self.case(kind))["remedies"]}

    async def deeds(self, kind: str) -> list[Row]:
        async with self.store.read() as tx:
            return await outbox.of_kind(tx, kind)

    async def grants(self) -> list[Row]:
        async with self.store.read() as tx:
            return await ledger.listing(tx, limit=100)

    async def events(self) -> list[str]:
        return [deed.payload["event"] for deed in await self.deeds(EVENT)]


DOCUMENT: dict[str, Any] = {
    "origin": {"country": "CN", "region": "Guangdong", "city": "深圳", "address": "科技园 1 号"},
    "destination": {"country": "CN", "region": "Shanghai", "city": "上海", "address": "南京路 2 号"},
    "sender": {"name": "店铺", "phone": "+8613800000001"},
    "recipient": {"name": "样本", "phone": "+8613800000002", "consent": {"marketing": True}},
    "parcel": {"weight_g": 800},
    "value": {"amount": "120.00", "currency": "CNY"},
}


def world(store: Store, *, kinds: dict[str, type[Booker]] | None = None, **policies: Any) -> World:
    """policies: documents that differ from POLICIES."""
    known: dict[str, type[Booker]] = {"sf": Booker, "zto": Booker, "jd": Booker, **(kinds or {})}
    documents = {**POLICIES, **policies}
    return World(
        store=store,
        carriers=Carriers({code: _carrier(code, kind) for code, kind in known.items()}),
        notifiers=Notifiers({}, {}),
        policies=Policies({name: MODELS[name].model_validate(documents[name]) for name in MODELS}, PollPace()),
        secret=b"s" * 32,
        public_url="https://gateway.test",
        clock=Clock(),
        follow=(stalls.follow, cases.follow, remedies.follow),
    )


def _carrier(code: str, kind: type[Booker]) -> Carrier:
    row = CarrierRow(adapter=kind.code, name={"en": code}, country="CN")
    return Carrier(code=code, row=row, adapter=kind(code))


async def die(rt: World, **doers: Doer) -> None:
    """Deliver until the scripted end of the process."""
    with pytest.raises(BaseExceptionGroup) as died:
        async with asyncio.TaskGroup() as group:
            group.create_task(rt.deliver(**doers))
    assert died.group_contains(Killed)
