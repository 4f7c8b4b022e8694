"""An order system, its customers and its carriers, as they go on while the gateway dies and comes back.

What a carrier says it says in one way only, so that nothing hides a loss: what is pushed is in no answer to a poll, and
what is to be found by polling is never pushed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from gateway.contract import Push
from gateway.domain import Channel, Status
from gateway.messages.attempt import TAKEN_AS_SENT
from gateway.sandbox.people import customer, registration
from gateway.sandbox.records import Event, ReceivedMessage, Waybill
from gateway.sandbox.server import Sandbox
from tests.crash.fleet import Fleet
from tests.crash.moment import pause
from tests.e2e.process import eventually

#: What does not come by then counts as lost. Longer than any wait of ours: a provider that cannot be asked, a retry.
PATIENCE = 900.0
#: Between two looks at what the stand-ins have seen.
LOOK = 0.2
#: After so many looks in vain the gateway is asked whether it knows why.
ASKED_EVERY = 50


class Lost(Exception):
    """What was waited for, and never came."""


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One parcel. acknowledged: what was pushed and answered with yes, told: what only polls could find, by text.
    wanted: how many messages its customer has to have got by the end, by channel; unsure: of how many of them nobody
    can know. backup: the label of its failover."""

    kind: str
    order: str
    label: Waybill
    person: dict[str, Any]
    shipment_id: str = ""
    step: int = 0
    acknowledged: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    wanted: dict[Channel, int] = field(default_factory=dict)
    unsure: Counter[Channel] = field(default_factory=Counter)
    backup: Waybill | None = None
    over: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.order} {self.label.number} {self.shipment_id}"

    def addresses(self) -> dict[Channel, str]:
        person = self.person
        phone = str(person["phone"]).removeprefix("+86")
        return {Channel.WECHAT: person["wechat_openid"], Channel.SMS: phone, Channel.EMAIL: person["email"]}


class Shop:
    """What parcels need of the world."""

    def __init__(self, fleet: Fleet, sandbox: Sandbox) -> None:
        self.fleet, self.sandbox, self.world = fleet, sandbox, sandbox.world
        self.parcels: list[Parcel] = []

    async def register(self, kind: str) -> Parcel:
        """A label of SF for somebody who never ordered before."""
        serial = len(self.parcels) + 1
        person = customer(serial, 12, datetime.now(UTC))
        order = f"SO-CRASH-{serial:05d}"
        parcel = Parcel(
            kind=kind, order=order, label=self.world.book("sf", order, phone=person["phone"]), person=person
        )
        self.parcels.append(parcel)
        body = registration(order, "sf", parcel.label.number, person, {})
        answer = await self.fleet.insist("POST", "/v1/shipments", json=body)
        parcel.shipment_id = answer.json()["id"]
        return parcel

    # what carriers say

    async def says(
        self, parcel: Parcel, status: Status, *, ago: timedelta = timedelta(0), pushed: bool, place: str = "深圳市"
    ) -> None:
        """The carrier that has the parcel says something new of it; a push it says until it is answered with yes."""
        label = parcel.backup or parcel.label
        parcel.step += 1
        text = f"{parcel.order} 第{parcel.step}步"
        event = Event(at=datetime.now(UTC) - ago, status=status, text=text, place=place, serial=self.world.serial())
        if not pushed:
            label.events.append(event)
            parcel.told.append(text)
            return
        await self._push(label, event)
        parcel.acknowledged.append(text)

    async def _push(self, label: Waybill, event: Event) -> None:
        own = self.sandbox.sf if label.carrier == "sf" else self.sandbox.zto
        push: Push = own.push(label.number, event)
        how: dict[str, Any] = {"params": dict(push.query), "headers": dict(push.headers), "content": push.body}

        async def taken() -> bool:
            answer: httpx.Response | None = await self.fleet.ask(push.method, push.path, **how)
            return answer is not None and own.accepted(answer.status_code, answer.content)

        await eventually(taken, f"{label.carrier} pushed {event.text} in vain", seconds=PATIENCE)

    # what can be seen of it outside

    def said(self, parcel: Parcel, channel: Channel) -> list[ReceivedMessage]:
        return self.world.received(channel, parcel.addresses()[channel])

    def booked(self, parcel: Parcel) -> list[Waybill]:
        """What the backup carrier booked for this customer."""
        phone = parcel.addresses()[Channel.SMS]
        own = (one for one in self.world.waybills.values() if one.carrier == "zto")
        return [one for one in own if one.phone.endswith(phone)]

    async def coupons(self, parcel: Parcel) -> int:
        answer = await self.fleet.ask("GET", "/v1/coupons", params={"order_id": parcel.order, "state": "issued"})
        return len(answer.json()["items"]) if answer is not None else 0

    async def told(self, parcel: Parcel, **more: int) -> None:
        """Until the customer got so many messages more on these channels. Raise Lost."""
        for channel, number in more.items():
            parcel.wanted[Channel(channel)] = parcel.wanted.get(Channel(channel), 0) + number

        looks = count(1)

        async def all_said() -> bool:
            if self._all_said(parcel):
                return True
            if next(looks) % ASKED_EVERY == 0:
                await self._learn_unsure(parcel)
            return self._all_said(parcel)

        await until(all_said, lambda: f"{parcel}: {self._missing(parcel)}")

    def _all_said(self, parcel: Parcel) -> bool:
        heard = {channel: len(self.said(parcel, channel)) + parcel.unsure[channel] for channel in parcel.wanted}
        return all(heard[channel] >= number for channel, number in parcel.wanted.items())

    async def _learn_unsure(self, parcel: Parcel) -> None:
        """What the gateway takes as sent without knowing, and nobody got. WeChat alone cannot be asked."""
        answer = await self.fleet.ask("GET", "/v1/messages", params={"shipment_id": parcel.shipment_id})
        if answer is not None:
            got = {message.id for message in self.said(parcel, Channel.WECHAT)}
            said = [row for row in answer.json()["items"] if row["channel"] == Channel.WECHAT and row["id"] not in got]
            parcel.unsure = Counter(Channel.WECHAT for row in said if row["reason"] == TAKEN_AS_SENT)

    def _missing(self, parcel: Parcel) -> str:
        heard = {channel: len(self.said(parcel, channel)) for channel in parcel.wanted}
        return ", ".join(f"{heard[one]} of {number} {one} messages" for one, number in parcel.wanted.items())


async def until(condition: Callable[[], Awaitable[bool]], otherwise: Callable[[], str]) -> None:
    """Look until it is so. Raise Lost, saying what was waited for, after PATIENCE."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while not await condition():
        if loop.time() > deadline:
            raise Lost(otherwise())
        await pause(LOOK)
