"""A message is said once, on the channels that were decided, and never when it is no longer true."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.contract import Found, OutcomeUnknown, RecipientOptedOut, Refused, Unavailable
from gateway.domain import Basis, Channel, DeedState, MessageState, Receipt, Scan, Source, Status
from gateway.messages.receipts import take
from gateway.messages.send import send_message
from gateway.outcome import Again, Done, Drop, No
from gateway.store import messages, outbox
from gateway.store.engine import Store
from gateway.store.outbox import Deed
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, register
from tests.messages.rooms import NOON, Clock, Rooms, open_rooms

PERSON = {
    "name": "测试",
    "phone": "+8613800138000",
    "email": "reader@example.com",
    "wechat_openid": "oEXAMPLEOPENID0001",
    "locale": "zh-CN",
    "timezone": "Asia/Shanghai",
    "consent": {"marketing": False},
}


@pytest.fixture
async def rooms(store: Store) -> Rooms:
    return await open_rooms(store, Clock())


async def ship(rooms: Rooms, **person: Any) -> str:
    document = {"recipient": {name: value for name, value in {**PERSON, **person}.items() if value is not None}}
    new = NewShipment(order_id="SO-1", carrier="silent", tracking_number="SL1000001", document=document)
    async with rooms.rt.store.write() as tx:
        return (await register(rooms.rt, tx, new)).id


async def hear(rooms: Rooms, status: Status, at: datetime | None = None) -> None:
    now = rooms.clock()
    scan = Scan(tracking_number="SL1000001", at=at or now, basis=Basis.GIVEN, status=status, carrier_code=status)
    heard = Heard(provider="silent", source=Source.WEBHOOK, scan=scan, learned_at=now)
    async with rooms.rt.store.write() as tx:
        await record(rooms.rt, tx, [heard])


async def tell(rooms: Rooms, shipment_id: str, key: str = "case-1:0:message", **plan: Any) -> None:
    payload = {"plan": {"do": "message", "template": "delay_notice", **plan}}
    deed = Deed(kind="message", key=key, payload=payload, due_at=rooms.clock(), shipment_id=shipment_id)
    async with rooms.rt.store.write() as tx:
        await outbox.add(tx, deed, rooms.clock())


async def work(rooms: Rooms) -> list[Any]:
    """Do what is due, as the outbox would, and leave it claimed."""
    async with rooms.rt.store.write() as tx:
        deeds = await outbox.claim(tx, rooms.clock(), limit=10, lease=timedelta(seconds=20))
    return [(deed, await send_message(rooms.rt, deed)) for deed in deeds if deed.kind in {"message", "news"}]


async def only_end(rooms: Rooms) -> Any:
    ((_, end),) = await work(rooms)
    return end


async def rows(rooms: Rooms, key: str = "case-1:0:message") -> dict[str, str]:
    async with rooms.rt.store.read() as tx:
        return {row.channel: row.state for row in await messages.of_decision(tx, key)}


async def test_a_chain_ends_with_the_first_channel_that_takes_it(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms))
    assert await only_end(rooms) == Done(result={"sent": ["wechat"], "failed": None})
    assert [len(said.messages) for said in rooms.said.values()] == [0, 0, 1, 0]


async def test_all_means_every_channel_once(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms), send="all")
    assert isinstance(await only_end(rooms), Done)
    assert await rows(rooms) == {"wechat": "sent", "sms": "sent", "email": "sent"}
    rooms.clock.pass_by(minutes=2)  # the worker died before it could say that it was done
    assert isinstance(await only_end(rooms), Done)
    assert [len(rooms.said[channel].messages) for channel in (Channel.WECHAT, Channel.SMS, Channel.EMAIL)] == [1, 1, 1]


async def test_a_refusal_goes_on_to_the_next_channel(rooms: Rooms) -> None:
    rooms.said[Channel.WECHAT].answers = [Refused("template was removed", config=True)]
    await tell(rooms, await ship(rooms))
    end = await only_end(rooms)
    assert isinstance(end, Done)
    assert await rows(rooms) == {"wechat": "failed", "sms": "sent"}


async def test_who_opted_out_is_not_written_to_again(rooms: Rooms) -> None:
    shipment = await ship(rooms)
    rooms.said[Channel.WECHAT].answers = [RecipientOptedOut("unfollowed")]
    await tell(rooms, shipment)
    await work(rooms)
    await tell(rooms, shipment, key="case-2:0:message")
    await work(rooms)
    assert await rows(rooms, "case-2:0:message") == {"sms": "sent"}


async def test_a_provider_that_is_down_is_tried_again_and_nobody_is_told_twice(rooms: Rooms) -> None:
    for said in rooms.said.values():
        said.answers = [Unavailable("busy")]
    await tell(rooms, await ship(rooms))
    end = await only_end(rooms)
    assert isinstance(end, Again)
    assert end.due_at is not None
    rooms.clock.now = end.due_at + timedelta(minutes=2)
    assert isinstance(await only_end(rooms), Done)
    assert sum(len(said.messages) for said in rooms.said.values()) == 1


@pytest.mark.parametrize(("found", "times"), [(Found.SENT, 0), (Found.NOT_SENT, 1), (Found.CANNOT_TELL, 0)])
async def test_after_a_lost_answer_the_provider_is_asked_before_it_is_sent_again(
    rooms: Rooms, found: Found, times: int
) -> None:
    sms = rooms.said[Channel.SMS]
    sms.answers, sms.found = [OutcomeUnknown("no answer")], found
    await tell(rooms, await ship(rooms), channels=["sms"])
    assert isinstance(await only_end(rooms), Again)
    rooms.clock.pass_by(minutes=5)
    assert isinstance(await only_end(rooms), Done)
    assert len(sms.messages) == times


@pytest.mark.parametrize(("seconds", "times"), [(44, 1), (46, 0)])
async def test_a_provider_that_swallows_repeats_is_simply_told_again_in_time(
    rooms: Rooms, seconds: int, times: int
) -> None:
    """For a minute, of which a repeat may be on its way for 15 s."""
    wechat = rooms.said[Channel.WECHAT]
    wechat.answers = [OutcomeUnknown("no answer")]
    await tell(rooms, await ship(rooms), channels=["wechat"])
    await work(rooms)
    async with rooms.rt.store.read() as tx:
        (row,) = await messages.of_decision(tx, "case-1:0:message")
    rooms.clock.pass_by(seconds=seconds)
    assert isinstance(await only_end(rooms), Done)
    assert [message.id for message, _ in wechat.messages] == [row.id] * times


async def begin_and_die(rooms: Rooms) -> None:
    """The worker dies between its note and the provider."""
    rooms.said[Channel.WECHAT].answers = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await work(rooms)
    rooms.clock.pass_by(seconds=30)


async def test_news_that_was_begun_by_one_that_died_is_ended_when_the_parcel_has_moved_on(rooms: Rooms) -> None:
    await ship(rooms)
    await hear(rooms, Status.PICKED_UP)
    await begin_and_die(rooms)
    await hear(rooms, Status.IN_TRANSIT)
    assert await only_end(rooms) == Done(result={"sent": ["wechat"], "failed": None})
    assert [len(said.messages) for said in rooms.said.values()] == [0, 0, 1, 0]


async def test_nothing_more_is_said_of_what_is_over(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms), send="all")
    await begin_and_die(rooms)
    await hear(rooms, Status.DELIVERED)
    ended = {deed.kind: one for deed, one in await work(rooms)}
    assert ended["message"] == Done(result={"sent": ["wechat"], "failed": None})
    assert await rows(rooms) == {"wechat": "sent"}


async def test_a_message_does_not_count_against_itself(rooms: Rooms) -> None:
    shipment = await ship(rooms)
    cap = rooms.rt.policies.messages.per_shipment_day
    assert cap is not None
    for number in range(cap - 1):
        await tell(rooms, shipment, key=f"case-{number}:0:message")
        await work(rooms)
    await tell(rooms, shipment, key="the last")
    rooms.clock.pass_by(minutes=1)
    rooms.said[Channel.WECHAT].answers = [asyncio.CancelledError()]
    async with rooms.rt.store.write() as tx:
        deeds = {row.key: row for row in await outbox.claim(tx, rooms.clock(), limit=10, lease=timedelta(seconds=20))}
    with pytest.raises(asyncio.CancelledError):
        await send_message(rooms.rt, deeds["the last"])
    rooms.clock.pass_by(seconds=30)
    ended = {deed.key: one for deed, one in await work(rooms)}
    assert ended["the last"] == Done(result={"sent": ["wechat"], "failed": None})


async def test_at_night_it_waits_and_a_parcel_that_moved_on_makes_it_moot(rooms: Rooms) -> None:
    rooms.clock.now = NOON + timedelta(hours=12)  # midnight in Shanghai
    shipment = await ship(rooms)
    await tell(rooms, shipment)
    end = await only_end(rooms)
    assert isinstance(end, Again)
    assert end.due_at == NOON + timedelta(hours=20)
    assert await rows(rooms) == {"wechat": "held"}
    await hear(rooms, Status.DELIVERED)
    rooms.clock.now = end.due_at
    ended = {deed.kind: one for deed, one in await work(rooms)}
    assert ended["message"] == Drop(reason="superseded")
    assert await rows(rooms) == {"wechat": "dropped"}
    assert isinstance(ended["news"], Done)


async def test_nobody_to_tell_is_said(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms, phone=None, email=None, wechat_openid=None))
    assert await only_end(rooms) == Drop(reason="no_address")


async def test_a_template_without_its_parameter_is_a_clear_no(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms), template="there_is_none", channels=["email"])
    end = await only_end(rooms)
    assert isinstance(end, No)
    assert "there_is_none" in end.reason


async def test_a_status_is_news_once_and_old_history_is_none(rooms: Rooms) -> None:
    await ship(rooms)
    await hear(rooms, Status.PICKED_UP, NOON - timedelta(days=5))
    await hear(rooms, Status.OUT_FOR_DELIVERY, NOON - timedelta(minutes=1))
    await hear(rooms, Status.OUT_FOR_DELIVERY, NOON - timedelta(minutes=1))
    ends = await work(rooms)
    assert [deed.payload["status"] for deed, _ in ends] == ["out_for_delivery"]
    (message, address) = rooms.said[Channel.WECHAT].messages[0]
    assert address == PERSON["wechat_openid"]
    assert "SL1000001" in message.text
    assert message.link.startswith("https://gateway.test/t/")


async def test_a_receipt_of_failure_goes_on_to_the_next_channel(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms))
    ((deed, end),) = await work(rooms)
    async with rooms.rt.store.write() as tx:
        await outbox.end(tx, deed, DeedState.DONE, rooms.clock(), result=end.result)
    sender = rooms.rt.notifiers["wechat"]
    receipt = Receipt(provider_id="id-0", state=MessageState.FAILED, code="system failed")
    await take(rooms.rt, sender, [receipt, receipt])
    assert isinstance(await only_end(rooms), Done)
    assert await rows(rooms) == {"wechat": "failed", "sms": "sent"}


async def test_receipts_only_move_forward(rooms: Rooms) -> None:
    await tell(rooms, await ship(rooms))
    await work(rooms)
    sender = rooms.rt.notifiers["wechat"]
    await take(rooms.rt, sender, [Receipt(provider_id="id-0", state=MessageState.DELIVERED)])
    await take(rooms.rt, sender, [Receipt(provider_id="id-0", state=MessageState.SENT)])
    assert await rows(rooms) == {"wechat": "delivered"}
