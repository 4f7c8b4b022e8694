"""A runtime whose senders are fakes that record: the rest of the floor is real."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml

from gateway.contract import Can, CarrierAdapter, Found, Notifier, NotifierSettings
from gateway.domain import Channel, Message
from gateway.messages import follow
from gateway.plugins import Carrier, Carriers, Notifiers, Sender
from gateway.policies import MODELS, Policies
from gateway.render import Renderer
from gateway.rules.policy.pace import PollPace
from gateway.runtime import Runtime
from gateway.settings import CarrierRow, NotifierRow
from gateway.store.engine import Store
from gateway.words import load as load_words

CONFIG = Path(__file__).parents[2] / "config"
NOON = datetime(2026, 3, 5, 4, tzinfo=UTC)  # noon in Shanghai


class Clock:
    """A clock that moves when told."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Silent(CarrierAdapter):
    """A carrier that is only a name here."""

    code = "silent"
    name = "Silent"
    can = Can.NOTHING
    statuses: ClassVar[dict[str, Any]] = {}


@dataclass
class Said:
    """What reached one provider, and what it shall answer next (an exception to raise, or an id)."""

    messages: list[tuple[Message, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    found: Found = Found.CANNOT_TELL

    @property
    def texts(self) -> list[str]:
        return [message.text for message, _ in self.messages]


class _Fake(Notifier):
    code = "fake"
    Settings = NotifierSettings

    def __init__(self, said: Said) -> None:
        super().__init__(NotifierSettings(), httpx.AsyncClient(transport=httpx.MockTransport(lambda request: None)))  # type: ignore[arg-type,return-value]
        self.said = said

    async def send(self, message: Message, address: str) -> str:
        answer = self.said.answers.pop(0) if self.said.answers else f"id-{len(self.said.messages)}"
        if isinstance(answer, BaseException):
            raise answer
        self.said.messages.append((message, address))
        return str(answer)

    async def find(self, message: Message, address: str) -> Found:
        return self.said.found


class FakeSms(_Fake):
    channel = Channel.SMS


class FakeMail(_Fake):
    channel = Channel.EMAIL


class FakeWechat(_Fake):
    channel = Channel.WECHAT
    repeat_safe_for = 60


class FakeRoom(_Fake):
    channel = Channel.OPS


KINDS = {Channel.SMS: FakeSms, Channel.EMAIL: FakeMail, Channel.WECHAT: FakeWechat, Channel.OPS: FakeRoom}


@dataclass
class Rooms:
    rt: Runtime
    clock: Clock
    said: dict[Channel, Said]


async def open_rooms(store: Store, clock: Clock) -> Rooms:
    """Policies, words and templates are those of config/."""
    seed = {
        name: model.model_validate(yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
        for name, model in MODELS.items()
    }
    policies = Policies(seed, PollPace.model_validate(yaml.safe_load((CONFIG / "polling.yaml").read_text())))
    said = {channel: Said() for channel in KINDS}
    senders = {
        channel.value: Sender(name=channel, row=NotifierRow(notifier="fake"), notifier=kind(said[channel]))
        for channel, kind in KINDS.items()
    }
    row = CarrierRow(adapter="silent", name={"zh": "静默", "en": "Silent"}, country="CN")
    adapter = Silent(None, httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(500))))
    rt = Runtime(
        store=store,
        carriers=Carriers({"silent": Carrier(code="silent", row=row, adapter=adapter)}),
        notifiers=Notifiers(senders, {channel: (channel.value,) for channel in KINDS}),
        policies=policies,
        secret=b"a secret of the tests",
        public_url="https://gateway.test",
        clock=clock,
        words=load_words(CONFIG / "words"),
        renderer=Renderer(CONFIG / "messages"),
        follow=(follow,),
    )
    async with store.write() as tx:
        await policies.load(tx, clock())
    return Rooms(rt=rt, clock=clock, said=said)
