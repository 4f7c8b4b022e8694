"""What a customer hears in the end: all of the first floor together, with the policies of config/."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway import cases, messages, remedies, stalls
from gateway.cases.report import Report, report_exception
from gateway.contract import Push
from gateway.domain import Basis, Channel, Reason, Scan, Source, Status
from gateway.remedies.deliver import deliver_due
from gateway.rules.policy import Playbooks
from gateway.store.engine import Store
from gateway.tracking.inbox import Inbox, read_inbox
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, register
from tests.messages.rooms import Clock, Rooms, open_rooms
from tests.messages.test_send import PERSON


@pytest.fixture
async def rooms(store: Store) -> Rooms:
    opened = await open_rooms(store, Clock())
    follow = (stalls.follow, cases.follow, messages.follow, remedies.follow)
    return replace(opened, rt=replace(opened.rt, follow=follow))


async def ship(rooms: Rooms, number: str = "SL1", order: str = "SO-1") -> str:
    new = NewShipment(order_id=order, carrier="silent", tracking_number=number, document={"recipient": PERSON})
    async with rooms.rt.store.write() as tx:
        return (await register(rooms.rt, tx, new)).id


async def hear(rooms: Rooms, status: Status, reason: Reason | None = None, **ago: float) -> None:
    now = rooms.clock()
    at = now - timedelta(**ago)
    scan = Scan(
        tracking_number="SL1", at=at, basis=Basis.GIVEN, status=status, reason=reason, carrier_code=f"{status}{reason}"
    )
    heard = Heard(provider="silent", source=Source.WEBHOOK, scan=scan, learned_at=now)
    async with rooms.rt.store.write() as tx:
        await record(rooms.rt, tx, [heard])
    await deliver_due(rooms.rt)


async def report(rooms: Rooms, **more: Any) -> None:
    async with rooms.rt.store.write() as tx:
        await report_exception(rooms.rt, tx, Report(order_id="SO-1", **more), who="shop")
    await deliver_due(rooms.rt)


def told(rooms: Rooms) -> list[str]:
    """Subjects, whichever channel it was, operators left out."""
    heard = [said.messages for channel, said in rooms.said.items() if channel is not Channel.OPS]
    return [message.subject for messages in heard for message, _ in messages]


@pytest.mark.parametrize("status", [Status.ATTEMPT_FAILED, Status.EXCEPTION])
@pytest.mark.parametrize("reason", [*Reason, None])
async def test_one_trouble_is_told_once(rooms: Rooms, status: Status, reason: Reason | None) -> None:
    await ship(rooms)
    await hear(rooms, Status.IN_TRANSIT, hours=1)
    await hear(rooms, status, reason)
    expected = 0 if (status, reason) == (Status.EXCEPTION, Reason.REFUSED) else 1  # that one is asked of a person
    assert len(set(told(rooms))) == expected
    assert all(len(said.messages) <= 1 for channel, said in rooms.said.items() if channel is not Channel.OPS)


async def test_a_second_attempt_on_another_day_is_told_again(rooms: Rooms) -> None:
    await ship(rooms)
    await hear(rooms, Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT)
    rooms.clock.pass_by(days=1)
    await hear(rooms, Status.OUT_FOR_DELIVERY)
    rooms.clock.pass_by(hours=1)
    await hear(rooms, Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT)
    assert len(told(rooms)) == 3


async def test_a_parcel_that_arrived_damaged_is_apologised_for(rooms: Rooms) -> None:
    await ship(rooms)
    await hear(rooms, Status.IN_TRANSIT, hours=1)
    await hear(rooms, Status.DELIVERED, Reason.DAMAGED)
    assert sum("破损" in subject for subject in told(rooms)) == 1


COMPLAINED = {"remedies": [{"do": "message", "template": "delay_notice"}]}


async def complained(rooms: Rooms) -> list[str]:
    document = Playbooks.model_validate({"playbooks": {"default": {}, "complaint": COMPLAINED}})
    async with rooms.rt.store.write() as tx:
        await rooms.rt.policies.put(tx, "playbooks", document, expected=1, who="ops", now=rooms.clock())
    rooms.said[Channel.WECHAT].messages.clear()
    await report(rooms, kind="complaint")
    return told(rooms)


async def test_a_complaint_about_a_parcel_that_arrived_is_answered(rooms: Rooms) -> None:
    await ship(rooms)
    await hear(rooms, Status.DELIVERED, hours=2)
    assert len(await complained(rooms)) == 1


async def test_a_complaint_of_an_order_of_two_parcels_is_answered_to_its_customer(rooms: Rooms) -> None:
    await ship(rooms)
    await ship(rooms, "SL2")
    assert len(await complained(rooms)) == 1


async def test_operators_hear_once_a_day_of_pushes_that_nobody_can_read(rooms: Rooms) -> None:
    async with Inbox(rooms.rt) as inbox:
        for number in range(3):
            await inbox.accept("silent", Push(body=b"rubbish %d" % number))
    await read_inbox(rooms.rt, 10)
    await deliver_due(rooms.rt)
    ((message, _),) = rooms.said[Channel.OPS].messages
    assert message.subject == "快递公司异常：静默"
    assert message.text.startswith("push 1: ")
    assert message.text.endswith("(GET /v1/inbox?state=quarantined&carrier=silent)")
    assert told(rooms) == []
