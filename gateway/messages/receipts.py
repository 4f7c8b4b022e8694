"""What providers say became of a message: only forward, only our own rows, and the next channel when one failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import Channel, MessageState, Receipt
from gateway.outcome import Again, Done, Drop, End
from gateway.plugins import Sender
from gateway.privacy import person_key
from gateway.runtime import Runtime
from gateway.store import messages, outbox
from gateway.store.engine import Tx
from gateway.store.outbox import Deed

#: The kind of deed that looks again for the message of a receipt that came before our row knew the provider's id.
RECEIPT = "receipt"
_TRIES, _PATIENCE = 5, timedelta(seconds=30)


async def take(rt: Runtime, sender: Sender, receipts: Sequence[Receipt]) -> None:
    """Carry verified receipts out in one transaction. One whose message is not known (yet) is kept for minutes."""
    async with rt.store.write() as tx:
        for receipt in receipts:
            if not await _one(rt, tx, sender, receipt) and receipt.state is not None:
                await _keep(rt, tx, sender, receipt)


async def look_again(rt: Runtime, deed: Any) -> End:
    """The doer of deeds of kind "receipt"."""
    now = rt.clock()
    sender = rt.notifiers.get(deed.payload["sender"])
    if sender is None:
        return Drop(reason="its sender is no longer configured")
    receipt = _unpacked(deed.payload)
    async with rt.store.write() as tx:
        known = await _one(rt, tx, sender, receipt)
    if known:
        return Done()
    return (
        Again(due_at=now + _PATIENCE, reason="no such message yet")
        if deed.attempts < _TRIES
        else Drop(reason="no such message of ours")
    )


async def _one(rt: Runtime, tx: Tx, sender: Sender, receipt: Receipt) -> bool:
    """False when the receipt speaks of a message that nobody knows."""
    now, channel = rt.clock(), sender.notifier.channel
    row = await _row(tx, sender, receipt)
    key = row.address_key if row is not None else person_key(rt.secret, channel, receipt.address or "")
    if key:
        await _address(tx, channel, key, receipt, now)
    if row is None or receipt.state is None:
        return row is not None or receipt.state is None
    reason = " ".join(part for part in (receipt.code, receipt.detail) if part) or None
    failed = receipt.state is MessageState.FAILED
    advanced = await messages.advance(tx, row.id, receipt.state, now, reason=reason if failed else row.reason)
    # The rows remember who failed, so the same deed done again goes on to the next sender or channel.
    if advanced and failed and row.deed_id and await outbox.reopen(tx, row.deed_id, now):
        tx.after_commit(lambda: rt.signals.wake("outbox"))
    return True


async def _row(tx: Tx, sender: Sender, receipt: Receipt) -> Any:
    row = await messages.get(tx, receipt.message_id) if receipt.message_id else None
    if row is None and receipt.provider_id:
        row = await messages.by_provider(tx, sender.name, receipt.provider_id)
    return row if row is not None and row.notifier == sender.name else None


async def _address(tx: Tx, channel: Channel, key: str, receipt: Receipt, now: datetime) -> None:
    dead = receipt.invalid or (receipt.suspect and await messages.failed_before(tx, key, receipt.message_id))
    if receipt.opted_out or dead:
        await messages.suppress(tx, channel, key, "opted out" if receipt.opted_out else receipt.code or "dead", now)
    if receipt.opted_in:
        await messages.welcome(tx, channel, key)


async def _keep(rt: Runtime, tx: Tx, sender: Sender, receipt: Receipt) -> None:
    now = rt.clock()
    key = f"receipt:{sender.name}:{receipt.provider_id or receipt.message_id}:{receipt.state}"
    await outbox.add(
        tx, Deed(kind=RECEIPT, key=key[:160], payload=_packed(sender, receipt), due_at=now + _PATIENCE), now
    )


def _packed(sender: Sender, receipt: Receipt) -> dict[str, Any]:
    at = receipt.at.isoformat() if receipt.at else None
    return {"sender": sender.name, **asdict(receipt), "at": at}


def _unpacked(payload: dict[str, Any]) -> Receipt:
    fields = {name: value for name, value in payload.items() if name != "sender"}
    at = datetime.fromisoformat(fields["at"]) if fields["at"] else None
    return Receipt(**{**fields, "at": at, "state": MessageState(fields["state"])})
