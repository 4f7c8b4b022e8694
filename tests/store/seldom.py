"""What a day of the gateway has no occasion for: a failing carrier, a receipt, a deed done over, a key taken back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from gateway.domain import Channel, DeedState
from gateway.store import (
    configs,
    delivery,
    health,
    idempotency,
    inbox,
    incidents,
    keys,
    ledger,
    legs,
    messages,
    outbox,
    polls,
    queues,
    set_back,
    shipments,
    tokens,
    watches,
)
from gateway.store.engine import Store, Tx
from gateway.store.queues import LeaseLost
from gateway.store.retention import RULES
from gateway.store.tables import outbox as outbox_table
from gateway.store.tables import polls as polls_table


async def seldom(store: Store) -> None:
    """Each statement as the store's own functions say it, whether or not it finds anything."""
    now = datetime.now(UTC)
    async with store.write() as tx:
        for part in (_deeds, _queues, _people, _office):
            await part(tx, now)


class _Undone(Exception):
    """What was forgotten comes back."""


async def forgetting(store: Store) -> None:
    """A year later everything is old."""
    later = datetime.now(UTC) + timedelta(days=400)
    with suppress(_Undone):
        async with store.write() as tx:
            for rule in RULES:
                found = await rule.find(tx, later, None, 50)
                await rule.find(tx, later, (later, found[0].id if found else 0), 50)
                await rule.forget(tx, [row.id for row in found], later)
            raise _Undone


async def _deeds(tx: Tx, now: datetime) -> None:
    deed = (await tx.conn.execute(select(outbox_table).limit(1))).one()
    await outbox.by_key(tx, deed.key)
    await outbox.release(tx, deed.id, now)
    await outbox.reopen(tx, deed.id, now)
    with suppress(LeaseLost):
        await outbox.again(tx, deed, now, "later")
    with suppress(LeaseLost):
        await outbox.end(tx, deed, DeedState.DONE, now)
    await delivery.keep_many(tx, [deed], now)
    (grant, *_) = await ledger.listing(tx, limit=1)
    await ledger.get(tx, grant.id)
    await ledger.by_code(tx, "SORRY-0000")
    await ledger.change(tx, grant.id, states=("issued",), state="withdrawn")


async def _queues(tx: Tx, now: datetime) -> None:
    (push, *_) = await inbox.listing(tx, limit=1)
    row = await inbox.get(tx, push.id)
    assert row is not None
    await inbox.again(tx, row, now, "later")
    await inbox.settle(tx, push.id, inbox.READ)
    await polls.hasten(tx, "sf", now)
    fence = await polls.take(tx, "leg_of_nobody", "sf", now)
    await polls.keep(tx, ["leg_of_nobody"], now, now)
    await polls.answered(tx, ["leg_of_nobody"])
    await queues.extend(tx, polls_table, "leg_of_nobody", fence, now + timedelta(days=1))
    await legs.stamp(tx, "SF0000000000000")
    await legs.around(tx, "SF0000000000000")
    (shipment, *_) = await shipments.listing(tx, shipments.Filter(), limit=1)
    await watches.of_shipment(tx, shipment.id)


async def _people(tx: Tx, now: datetime) -> None:
    await messages.by_provider(tx, "sms-cn", "1")
    await messages.failed_before(tx, "hash", "msg_1")
    await messages.get(tx, "msg_1")
    await messages.suppress(tx, Channel.SMS, "hash", "STOP", now)
    await messages.suppress(tx, Channel.EMAIL, "other", "left", now)
    await messages.welcome(tx, Channel.SMS, "hash")
    await messages.drop_waiting(tx, ["dd_1", "dd_2"], "cleared", now)


async def _office(tx: Tx, now: datetime) -> None:
    await health.failed(tx, "ups", now, "timeout")
    await health.mended(tx, "ups")
    await incidents.listing(tx, limit=50)
    await set_back.set_back(tx, now, timedelta(days=1), now)
    await configs.history(tx, "routes")
    await keys.revoke(tx, "key_of_nobody", now)
    await keys.any_admin(tx)
    await tokens.claim(tx, "of nobody", "us", now, now)
    await tokens.kept(tx, "of nobody")
    await tokens.release(tx, "of nobody", "us")
    await idempotency.forget(tx, "of nobody")
