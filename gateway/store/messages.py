"""Messages: one row per decision, channel and sender, written before the provider is called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update

from gateway.domain import Channel, MessageState
from gateway.store.engine import Tx
from gateway.store.paging import below
from gateway.store.tables import messages, suppressions
from gateway.store.upsert import insert, insert_new

#: States only move forward; a receipt that is older than what we know changes nothing.
_BEFORE: dict[MessageState, tuple[MessageState, ...]] = {
    MessageState.SENT: (MessageState.QUEUED, MessageState.HELD),
    MessageState.DELIVERED: (MessageState.QUEUED, MessageState.HELD, MessageState.SENT, MessageState.FAILED),
    MessageState.FAILED: (MessageState.QUEUED, MessageState.HELD, MessageState.SENT),
    MessageState.DROPPED: (MessageState.QUEUED, MessageState.HELD),
}
#: Rows that count as said, for caps: those of which the provider has, or may have, heard.
_SAID = (MessageState.QUEUED, MessageState.SENT, MessageState.DELIVERED)
_HEARD = (messages.c.begun_at.is_not(None), messages.c.state.in_(_SAID))


async def add(tx: Tx, values: dict[str, Any]) -> bool:
    """A new row; False when this decision already has one for the channel and sender."""
    return await insert_new(tx, messages, values)


async def of_decision(tx: Tx, decision: str) -> list[Row[Any]]:
    found = select(messages).where(messages.c.decision == decision).order_by(messages.c.created_at, messages.c.id)
    return list((await tx.conn.execute(found)).all())


async def get(tx: Tx, message_id: str) -> Row[Any] | None:
    return (await tx.conn.execute(select(messages).where(messages.c.id == message_id))).one_or_none()


async def by_provider(tx: Tx, notifier: str, provider_id: str) -> Row[Any] | None:
    """The newest message a sender gave this id."""
    found = select(messages).where(messages.c.provider_id == provider_id, messages.c.notifier == notifier)
    return (await tx.conn.execute(found.order_by(messages.c.created_at.desc()).limit(1))).one_or_none()


async def change(tx: Tx, message_id: str, now: datetime, **values: Any) -> None:
    """Write columns of a message, whatever its state."""
    await tx.conn.execute(update(messages).where(messages.c.id == message_id).values(updated_at=now, **values))


async def advance(tx: Tx, message_id: str, state: MessageState, now: datetime, **values: Any) -> bool:
    """Move forward to a state; False when the message is there or further already."""
    statement = update(messages).where(messages.c.id == message_id, messages.c.state.in_(_BEFORE[state]))
    return (await tx.conn.execute(statement.values(state=state, updated_at=now, **values))).rowcount == 1


async def forget(tx: Tx, shipment_id: str, order_id: str) -> None:
    """Take the address off what was said about a shipment, and about its order alone; its keyed hash stays."""
    about = or_(
        messages.c.shipment_id == shipment_id, messages.c.shipment_id.is_(None) & (messages.c.order_id == order_id)
    )
    await tx.conn.execute(update(messages).where(about).values(address=""))


async def said_to(tx: Tx, address_keys: Sequence[str], since: datetime, besides: str) -> dict[str, int]:
    """Messages said to each address since then, besides those of one decision."""
    found = (
        select(messages.c.address_key, func.count())
        .where(
            messages.c.address_key.in_(address_keys),
            messages.c.created_at >= since,
            messages.c.decision != besides,
            *_HEARD,
        )
        .group_by(messages.c.address_key)
    )
    return {row[0]: row[1] for row in (await tx.conn.execute(found)).all()}


async def said_about(tx: Tx, shipment_id: str, since: datetime, besides: str) -> int:
    """Decisions about a shipment that were told to its customer since then, besides one."""
    found = select(func.count(messages.c.decision.distinct())).where(
        messages.c.shipment_id == shipment_id,
        messages.c.created_at >= since,
        messages.c.channel != Channel.OPS,
        messages.c.decision != besides,
        *_HEARD,
    )
    return int((await tx.conn.execute(found)).scalar_one())


async def first_about(tx: Tx, shipment_id: str, channel: str) -> str | None:
    """The first message on a channel about a shipment: what a later mail answers to."""
    found = select(messages.c.id).where(messages.c.shipment_id == shipment_id, messages.c.channel == channel, *_HEARD)
    first: str | None = (await tx.conn.execute(found.order_by(messages.c.created_at).limit(1))).scalar_one_or_none()
    return first


async def drop_waiting(tx: Tx, deed_ids: Sequence[str], reason: str, now: datetime) -> None:
    """Rows of deeds that were taken back and that were never begun."""
    statement = update(messages).where(
        messages.c.deed_id.in_(deed_ids),
        messages.c.state.in_((MessageState.QUEUED, MessageState.HELD)),
        messages.c.begun_at.is_(None),
    )
    if deed_ids:
        await tx.conn.execute(statement.values(state=MessageState.DROPPED, reason=reason, updated_at=now))


async def listing(
    tx: Tx,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    shipment_id: str | None = None,
    case_id: str | None = None,
    state: str | None = None,
    channel: str | None = None,
) -> list[Row[Any]]:
    """Newest first, after the cursor (created_at, id)."""
    wanted = {"shipment_id": shipment_id, "case_id": case_id, "state": state, "channel": channel}
    found = select(messages).where(*(messages.c[name] == value for name, value in wanted.items() if value is not None))
    if before is not None:
        found = found.where(below(messages.c.created_at, messages.c.id, before))
    ordered = found.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit)
    return list((await tx.conn.execute(ordered)).all())


async def failed_before(tx: Tx, address_key: str, message_id: str | None) -> bool:
    """Whether the newest other message to this address that has an end failed."""
    ended = (MessageState.FAILED, MessageState.DELIVERED)
    found = (
        select(messages.c.state)
        .where(messages.c.address_key == address_key, messages.c.id != (message_id or ""), messages.c.state.in_(ended))
        .order_by(messages.c.created_at.desc())
        .limit(1)
    )
    return (await tx.conn.execute(found)).scalar_one_or_none() == MessageState.FAILED


async def suppress(tx: Tx, channel: str, address_key: str, reason: str, now: datetime) -> None:
    """Never again to this address on this channel."""
    statement = insert(tx, suppressions).values(channel=channel, address_key=address_key, reason=reason, since=now)
    await tx.conn.execute(statement.on_conflict_do_nothing())


async def welcome(tx: Tx, channel: str, address_key: str) -> None:
    """The person came back (followed again, answered START)."""
    gone = (suppressions.c.channel == channel, suppressions.c.address_key == address_key)
    await tx.conn.execute(delete(suppressions).where(*gone))


async def suppressed(tx: Tx, address_keys: Sequence[str]) -> set[tuple[str, str]]:
    """(channel, address key) of those among the given that may not be written to."""
    found = select(suppressions.c.channel, suppressions.c.address_key).where(
        suppressions.c.address_key.in_(address_keys)
    )
    return {(channel, key) for channel, key in (await tx.conn.execute(found)).all()}
