"""What the store itself shows: nothing half done, every effect once, nothing said that it does not know of."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import select, text

from gateway.domain import Channel, DeedState, MessageState
from gateway.messages.attempt import TAKEN_AS_SENT
from gateway.sandbox.world import World
from gateway.store import tables
from gateway.store.engine import Store, Tx, connect
from gateway.store.outbox import LIVE
from tests.crash.report import Report

#: Deeds that are planned for a later day: carriers forget subscriptions.
PLANNED = frozenset({"subscribe"})
SAID = (MessageState.SENT, MessageState.DELIVERED)
IDENTIFIED = (Channel.SMS, Channel.WECHAT)  # the provider sees our id as it is


async def under_way(store: Store, now: datetime) -> list[str]:
    """What is not done yet: deeds, pushes that nobody read, shipments that nobody looked at."""
    async with store.read() as tx:
        deeds = await _rows(tx, select(tables.outbox).where(tables.outbox.c.state.in_(LIVE)))
        unread = await _rows(tx, select(tables.inbox).where(tables.inbox.c.due_at.is_not(None)))
        overdue = await _rows(tx, select(tables.watches).where(tables.watches.c.due_at <= now))
    return [
        *(
            f"deed {row.id} {row.kind} {row.key} is {row.state}, due {row.due_at}, {row.attempts} tries: {row.reason}"
            for row in deeds
            if not (row.kind in PLANNED and row.due_at is not None and row.due_at > now)
        ),
        *(f"inbox {row.id} of {row.carrier} was not read, due {row.due_at}" for row in unread),
        *(f"nobody looked at {row.shipment_id}, due {row.due_at}" for row in overdue),
    ]


async def judge_store(url: str, world: World, report: Report) -> None:
    """Once everything is quiet."""
    store = connect(url, pool=2)
    try:
        async with store.read() as tx:
            await _whole(tx, report)
            report.loses(await _ended(tx))
            report.doubles(await _twice(tx))
            await _legs(tx, world, report)
            await _messages(tx, world, report)
            report.loses(await _scheduled(tx))
    finally:
        await store.close()


async def _whole(tx: Tx, report: Report) -> None:
    if tx.dialect == "sqlite":
        found = [row[0] for row in (await tx.conn.execute(text("PRAGMA integrity_check"))).all()]
        report.loses(f"the file is broken: {line}" for line in found if line != "ok")


async def _ended(tx: Tx) -> list[str]:
    """Nothing was given up, nothing could not be read."""
    bad = (DeedState.REFUSED, DeedState.DEAD)
    deeds = await _rows(tx, select(tables.outbox).where(tables.outbox.c.state.in_(bad)))
    unread = await _rows(tx, select(tables.inbox).where(tables.inbox.c.state != "read"))
    unsaid = await _rows(tx, select(tables.messages).where(tables.messages.c.state.not_in(SAID)))
    return [
        *(f"deed {row.id} {row.kind} {row.key} is {row.state}: {row.reason}" for row in deeds),
        *(f"inbox {row.id} of {row.carrier} is {row.state}: {row.reason}" for row in unread),
        *(f"message {row.id} of {row.decision} is {row.state}: {row.reason}" for row in unsaid),
    ]


async def _twice(tx: Tx) -> list[str]:
    """Read from the rows, not from the indexes: an index that lost a row would let a second one in."""
    outbox, ledger, cases = tables.outbox.c, tables.ledger.c, tables.cases.c
    legs, messages, inbox = tables.legs.c, tables.messages.c, tables.inbox.c
    single = (
        ("deeds", [outbox.key]),
        ("grants", [ledger.claim]),
        ("grants of a case", [ledger.case_id, ledger.kind]),
        ("cases", [cases.shipment_id, cases.kind]),
        ("legs", [legs.carrier, legs.tracking_number]),
        ("places of legs", [legs.shipment_id, legs.ordinal]),
        ("messages", [messages.decision, messages.channel, messages.notifier]),
        ("pushes", [inbox.id]),
    )
    found: list[str] = []
    for what, columns in single:
        counted = Counter(tuple(row) for row in (await tx.conn.execute(select(*columns))).all())
        found += [f"{number} {what} of {key}" for key, number in counted.items() if number > 1]
    return found


async def _legs(tx: Tx, world: World, report: Report) -> None:
    """Every booking at the backup is a leg that we know, and every deed that booked has its booking."""
    known = {(row.carrier, row.tracking_number) for row in await _rows(tx, select(tables.legs))}
    made = {("zto", call.number): call.key for call in world.effective("zto.book")}
    report.loses(
        f"booking {key} {number} is no leg" for (own, number), key in made.items() if (own, number) not in known
    )
    report.loses(
        f"leg {number} was never booked" for own, number in known if own == "zto" and (own, number) not in made
    )
    done = (tables.outbox.c.kind == "failover", tables.outbox.c.state == DeedState.DONE)
    deeds = await _rows(tx, select(tables.outbox).where(*done))
    numbers = Counter(row.result["tracking_number"] for row in deeds if "tracking_number" in (row.result or {}))
    report.doubles(f"booking {number} is the result of {count} deeds" for number, count in numbers.items() if count > 1)
    report.loses(f"booking {number} is no deed's result" for _, number in made if number not in numbers)


async def _messages(tx: Tx, world: World, report: Report) -> None:
    rows = [row for row in await _rows(tx, select(tables.messages)) if row.state in SAID]
    heard = Counter(one.id for one in world.messages if one.channel in IDENTIFIED)
    ours = {row.id: row for row in rows if row.channel in IDENTIFIED}
    for row in ours.values():
        if heard[row.id]:
            continue
        line = f"message {row.id} of {row.decision} on {row.channel} is {row.state}, and nobody got it"
        if row.channel == Channel.WECHAT and row.reason == TAKEN_AS_SENT:
            report.unsure[line] = None
        else:
            report.loses([line])
    report.doubles(f"message {one} was got x{number}" for one, number in heard.items() if number > 1)
    report.doubles(f"message {one} was got, and the store does not know of it" for one in heard if one not in ours)
    mails = Counter(one.to for one in world.received(Channel.EMAIL))
    written = Counter(row.address for row in rows if row.channel == Channel.EMAIL)
    for address in mails | written:
        number, wanted = mails[address], written[address]
        if number < wanted:
            report.loses([f"{number} of {wanted} mails to {address}"])
        elif number > wanted:
            report.doubles([f"{number} mails to {address} instead of {wanted}"])


async def _scheduled(tx: Tx) -> list[str]:
    """Whoever is still on the way is polled and watched."""
    on_the_way = await _rows(tx, select(tables.legs).where(tables.legs.c.closed_at.is_(None)))
    polled = {row.leg_id for row in await _rows(tx, select(tables.polls))}
    watched = {row.shipment_id for row in await _rows(tx, select(tables.watches))}
    return [
        *(f"leg {row.id} {row.tracking_number} is not polled any more" for row in on_the_way if row.id not in polled),
        *(
            f"shipment {row.shipment_id} is not watched any more"
            for row in on_the_way
            if row.shipment_id not in watched
        ),
    ]


async def _rows(tx: Tx, query: Any) -> list[Any]:
    return list((await tx.conn.execute(query)).all())
