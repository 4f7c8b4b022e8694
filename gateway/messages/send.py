"""Saying it: the doer of deeds of kind "message" and "news". What happens with one sender is in `attempt`."""

from __future__ import annotations

from typing import Any

from gateway.domain import Channel, MessageState
from gateway.messages.asked import Asked, asked
from gateway.messages.attempt import GOOD, Tried, through, values
from gateway.outcome import Again, Done, Drop, End, No
from gateway.rules.governor import Plan, plan
from gateway.runtime import Runtime
from gateway.store import messages
from gateway.store.ids import new_id


async def send_message(rt: Runtime, deed: Any) -> End:
    """Carry the deed out. Answers how it ended; raises only LeaseLost."""
    now = rt.clock()
    async with rt.store.read() as tx:
        ask = await asked(rt, tx, deed, now)
        begun = await messages.of_decision(tx, deed.key)
    said = [Channel(row.channel) for row in begun if row.state in GOOD or _under_way(row)]
    how = plan(ask.decision, ask.reader, rt.policies.messages, ask.counts, now, superseded=ask.superseded)
    drop = "what it tells of did not happen" if ask.unfounded else how.drop
    if not said:
        if drop is not None:
            await _close(rt, begun, drop)
            return Drop(reason=drop)
        if how.hold_until is not None:
            await _hold(rt, deed, ask, how)
            return Again(due_at=how.hold_until, reason="quiet hours", free=True)
    # What was begun is brought to its end, whatever was learned since; nothing else is said of what is over.
    more = () if drop is not None else how.channels
    return await _say(rt, deed, ask, how, list(dict.fromkeys((*said, *more))))


def _under_way(row: Any) -> bool:
    return row.begun_at is not None and row.state == MessageState.QUEUED


async def _say(rt: Runtime, deed: Any, ask: Asked, how: Plan, channels: list[Channel]) -> End:
    """chain: until one sender took it. all: one sender of every channel."""
    tried: list[Tried] = []
    for channel in channels:
        one = await _channel(rt, deed, ask, how, channel)
        tried.append(one)
        if one.unclear or (one.sent and ask.decision.send == "chain"):
            break
    sent = [one.channel for one in tried if one.sent]
    waiting = [one.due_at for one in tried if one.due_at is not None]
    reasons = "; ".join(f"{one.channel}: {one.reason}" for one in tried if one.reason)
    if waiting and (ask.decision.send == "all" or not sent):
        return Again(due_at=min(waiting), reason=reasons)
    if sent:
        return Done(result={"sent": sent, "failed": reasons or None})
    return No(reason=reasons or "no sender is configured for these channels")


async def _channel(rt: Runtime, deed: Any, ask: Asked, how: Plan, channel: Channel) -> Tried:
    """The senders of a channel in their order, until one takes it."""
    last = Tried(channel=channel, sent=False, reason="no sender is configured")
    for sender in rt.notifiers.on(channel):
        last = await through(rt, deed, ask, how, channel, sender)
        if last.sent or last.unclear:
            return last
    return last


async def _hold(rt: Runtime, deed: Any, ask: Asked, how: Plan) -> None:
    """Show what waits for the morning."""
    channel = how.channels[0]
    senders = rt.notifiers.on(channel)
    if not senders:
        return
    row = values(deed, ask, how, channel, senders[0], rt.clock())
    async with rt.store.write() as tx:
        await messages.add(tx, {**row, "id": new_id("msg"), "state": MessageState.HELD, "reason": "quiet hours"})


async def _close(rt: Runtime, rows: list[Any], reason: str) -> None:
    now = rt.clock()
    async with rt.store.write() as tx:
        for row in rows:
            await messages.advance(tx, row.id, MessageState.DROPPED, now, reason=reason)
