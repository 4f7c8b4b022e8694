"""A push that asks us to do something (DHL: activate the subscription): done after reading, tried again, told."""

from __future__ import annotations

import httpx
import pytest

from gateway.contract import CarrierSettings, Push, Refused, Unavailable
from gateway.store import inbox as rows
from gateway.store.engine import Store
from gateway.tracking.inbox import Inbox, read_inbox
from gateway.tracking.pushes import TRIES
from tests.tracking.parts import Fake, World, carrier, runtime


class Asking(Fake):
    """Fails a follow-up with the errors it is given, one after the other."""

    code = "asking"

    def __init__(self, settings: CarrierSettings, http: httpx.AsyncClient) -> None:
        super().__init__(settings, http)
        self.errors: list[Exception] = []
        self.followed: list[bytes] = []

    async def follow_up(self, request: Push) -> None:
        self.followed.append(request.body)
        if self.errors:
            raise self.errors.pop(0)


async def told(store: Store, *errors: Exception) -> tuple[World, Asking]:
    """A world whose carrier has pushed one scan and has something done about it."""
    row = carrier("asking", Asking)
    rt = runtime(store, row)
    assert isinstance(row.adapter, Asking)
    row.adapter.errors = list(errors)
    async with Inbox(rt) as inbox:
        await inbox.accept("asking", Push(body=b'[["A1",1,"in_transit"]]'))
    return rt, row.adapter


async def state(rt: World) -> tuple[str, str | None]:
    async with rt.store.read() as tx:
        [row] = await rows.listing(tx, limit=5)
    return row.state, row.reason


async def test_what_a_push_asks_for_is_done_once(store: Store) -> None:
    rt, asking = await told(store)
    assert (await read_inbox(rt), await read_inbox(rt)) == (1, 0)
    assert asking.followed == [b'[["A1",1,"in_transit"]]']
    assert await state(rt) == ("read", None)


async def test_a_provider_that_cannot_be_reached_is_asked_again(store: Store) -> None:
    rt, asking = await told(store, Unavailable("HTTP 503"))
    await read_inbox(rt)
    assert (await state(rt))[0] == "waiting"
    rt.time.forward(minutes=2)
    await read_inbox(rt)
    assert (len(asking.followed), await state(rt)) == (2, ("read", None))


@pytest.mark.parametrize(("error", "tries"), [(Refused("no such subscription"), 1), (Unavailable("down"), TRIES)])
async def test_what_cannot_be_done_is_told_to_a_person(store: Store, error: Exception, tries: int) -> None:
    rt, asking = await told(store, *[error] * TRIES)
    for _ in range(TRIES):
        await read_inbox(rt)
        rt.time.forward(hours=1)
    assert (len(asking.followed), await state(rt)) == (tries, ("quarantined", str(error)))
