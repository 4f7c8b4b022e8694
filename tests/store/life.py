"""A short life of a gateway through its own doors; at its end every table has rows. For exports and migrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway import cases, messages, remedies, stalls
from gateway.domain import Channel, MessageState, Receipt
from gateway.messages.receipts import take
from gateway.plugins import Notifiers
from gateway.remedies.deliver import deliver_due
from gateway.stalls.sweep import sweep
from gateway.store import health, lanes, legs, polls, tokens
from gateway.store.engine import Store
from gateway.store.export import count, tables
from gateway.store.slots import take_slot
from gateway.tracking.inbox import read_inbox
from gateway.tracking.register import add_leg
from tests.tracking.parts import Clock
from tests.web.parts import SIGNED, Gate, gate, sender

#: What everything below is asserted about. Made up.
ORDERS = {"SO-1": "SF0000000001", "SO-2": "SF0000000002", "SO-3": "SF0000000003"}
_NOW = datetime(2026, 3, 5, 12, 0, 0, 123_457, tzinfo=UTC)
_PERSON = {"name": '样本 "甲"\n', "phone": "+8613800000001", "locale": "zh-CN", "consent": {"marketing": True}}
_DOCUMENTS: dict[str, Any] = {
    "compensation": {"tiers": {"sorry": {"amount": 10, "currency": "CNY"}}},
    "routes": {"routes": [{"id": "r1", "when": {"carrier": "sf"}, "mode": "ask", "backups": [{"carrier": "zto"}]}]},
    "stalls": {"thresholds": {"in_transit": {"domestic": {"warn": 24, "stall": 48}}}},
    "playbooks": {
        "playbooks": {
            "default": {"remedies": [{"do": "assign", "owner": "care", "within_hours": 24, "phases": ["stall"]}]},
            "stall_in_transit": {
                "severity": "high",
                "remedies": [
                    {"do": "coupon", "tier": "sorry"},
                    {"do": "message", "template": "stall_sorry"},
                    {"do": "assign", "owner": "logistics", "within_hours": 12},
                ],
            },
        }
    },
    "messages": {"languages": ["zh-CN"], "chain": ["sms"], "news": {"delivered": {"template": "delivered"}}},
}  # fmt: skip


async def live(store: Store) -> None:
    """Three parcels: one arrives, one stalls and costs a coupon, one is taken over; and what else happens."""
    async with gate(store, clock=Clock(_NOW), follow=_FOLLOW) as face:
        rt = face.rt
        for name, document in _DOCUMENTS.items():
            path = "/v1/routes" if name == "routes" else f"/v1/policies/{name}"
            written = await face.ask("PUT", path, document, headers={"If-Match": '"1"'})
            assert written.status == 200, await written.text()
        rt.notifiers = Notifiers({"sms-cn": sender()}, {Channel.SMS: ("sms-cn",)})
        for order, number in ORDERS.items():
            await _registered(face, order, number)
        await face.pushed(*([number, -1, "in_transit"] for number in ORDERS.values()), ["SF9999999999", 0, "picked_up"])
        await face.pushed(["SF0000000001", 0, "delivered"], ["SF0000000002", 0, "unknown", "code-7"])
        await _unreadable(face)
        await _office(face)
        await _stall(face)
        await _taken_over(face)
        async with store.write() as tx:
            await lanes.learn(tx, quantile=0.98, min_samples=1, since=_NOW - timedelta(days=90))
            await take_slot(tx, "clean", int(rt.clock().timestamp() // 3600), ahead=1)
            await health.failed(tx, "zto", rt.clock(), "timeout")
            await tokens.claim(tx, "sf:access", "worker", rt.clock(), rt.clock() + rt.lease)
            await tokens.release(tx, "sf:access", "worker", b"\x00sealed")


_FOLLOW = (stalls.follow, cases.follow, messages.follow, remedies.follow)


async def _registered(face: Gate, order: str, number: str) -> None:
    body = {
        "order_id": order,
        "carrier": "sf",
        "tracking_number": number,
        "promised_at": "2026-03-09T18:00:00.000001+08:00",
        "origin": {"country": "CN", "region": "广东省", "city": "深圳市"},
        "destination": {"country": "CN", "region": "北京市", "city": "北京市", "address": "朝阳路 1 号"},
        "recipient": _PERSON,
        "metadata": {"note": "半个 \U0001f4e6", "ratio": 0.1},
    }
    answer = await face.post("/v1/shipments", body, headers={"Idempotency-Key": f"order-{order}"})
    assert answer.status == 201, await answer.text()


async def _unreadable(face: Gate) -> None:
    """A push that is no JSON, nor text: quarantined, and told to the operators."""
    assert (await face.client.post("/webhooks/sf", data=b"\x00\xffnot JSON", headers=SIGNED)).status == 200
    await read_inbox(face.rt, 10)
    # and one that nobody has read yet
    assert (await face.client.post("/webhooks/sf", json=[], headers=SIGNED)).status == 200


async def _office(face: Gate) -> None:
    answers = [
        await face.post("/v1/carriers/zto/incident", {"action": "declare", "cause": "strike"}),
        await face.ask("PUT", "/v1/mappings/sf/code-8", {"status": "in_transit"}),
        await face.post("/v1/exceptions", {"order_id": "SO-9", "kind": "complaint", "detail": "红色变成蓝色"}),
    ]
    assert [answer.status for answer in answers] == [200, 200, 201], [await answer.text() for answer in answers]


async def _stall(face: Gate) -> None:
    """Two days pass, and the carrier, which was asked, has nothing new."""
    rt = face.rt
    rt.time.forward(hours=60)
    async with rt.store.write() as tx:
        rows = [row for number in ORDERS.values() for row in await legs.of_number(tx, number)]
        await legs.answered(tx, [row.id for row in rows], rt.clock())
        await health.heard(tx, {"sf": rt.clock()})
        (poll, *_) = await polls.claim(tx, "sf", rt.clock(), limit=1, lease=rt.lease)
        ended = polls.End(leg_id=poll.leg_id, fence=poll.fence, due_at=rt.time.forward(seconds=1), failures=1)
        assert await polls.end_many(tx, [ended]) == 1
    await sweep(rt)
    await deliver_due(rt)
    phone = str(_PERSON["phone"])
    receipt = Receipt(provider_id="1", state=MessageState.FAILED, address=phone, invalid=True, code="NO_SUCH")
    await take(rt, rt.notifiers["sms-cn"], [receipt])


async def _taken_over(face: Gate) -> None:
    found = await (await face.get("/v1/shipments?order_id=SO-3")).json()
    async with face.rt.store.write() as tx:
        await add_leg(face.rt, tx, found["items"][0]["id"], carrier="zto", tracking_number="ZTO0001")


async def empty_tables(store: Store) -> list[str]:
    """Tables in which nothing happened: none, after `live`."""
    async with store.read() as tx:
        return [table.name for table in tables() if not await count(tx, table)]
