"""A sandbox on free ports, the gateway's own HTTP client, and plugins built with the sandbox's accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.domain import Address, LegRef, Message, Parcel, Party
from gateway.http import Outside
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World

NOW = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(clock: Clock) -> World:
    return World(clock=clock)


@pytest.fixture
async def sandbox(world: World) -> AsyncIterator[Sandbox]:
    async with serve(world) as running:
        yield running


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    door = Outside()
    yield door
    await door.close()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client on the sandbox: answers come as they are."""
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as plain:
        yield plain


@pytest.fixture
def plugin(sandbox: Sandbox, outside: Outside, clock: Clock) -> Callable[..., Any]:
    """plugin(Class, path, **settings): a real adapter or notifier that talks to the sandbox below `path`."""

    def build(kind: Any, path: str, **settings: Any) -> Any:
        url = sandbox.url + path
        known = kind.Settings.model_validate({"base_url": url, **settings})
        return kind(known, outside.client(url), clock=clock)

    return build


PARCEL = Parcel(
    order_id="SO-1",
    sender=Party(
        name="示例商店",
        phone="+8613900000001",
        address=Address(country="CN", region="广东省", city="深圳市", district="南山区", address="科技园1号"),
    ),
    recipient=Party(
        name="李四",
        phone="+8613800005514",
        address=Address(country="CN", region="北京市", city="北京市", district="朝阳区", address="建国路1号"),
    ),
)


def leg(carrier: str, number: str, **more: Any) -> LegRef:
    return LegRef(carrier=carrier, tracking_number=number, phone="+8613800005514", **more)


def message(identity: str = "m1", **more: Any) -> Message:
    return Message(id=identity, locale="zh-CN", created_at=NOW, **more)
