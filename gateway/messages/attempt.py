"""One message through one sender, at most once.

A row is written before the provider is called (`begun_at`). Whoever finds such a row without an end asks the provider
first (`Notifier.find`); where it cannot be asked, the message is repeated only while the provider itself swallows
repeats, and is otherwise taken as sent (docs/reliability.md says what remains possible).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.contract import (
    CallPerson,
    Found,
    OutcomeUnknown,
    RecipientInvalid,
    RecipientOptedOut,
    Refused,
    TryAgain,
    Unavailable,
)
from gateway.domain import Channel, Message, MessageState
from gateway.messages.asked import Asked
from gateway.messages.facts import parameters
from gateway.plugins import Sender
from gateway.render import CannotRender
from gateway.rules.governor import Plan
from gateway.rules.retry import next_try
from gateway.runtime import Runtime
from gateway.store import messages, outbox
from gateway.store.ids import new_id

log = logging.getLogger(__name__)
#: After a lost answer: look so soon.
LOOK_AFTER = timedelta(seconds=5)
#: So long a repeat may be on its way: its provider has to have it while it still swallows repeats.
ON_ITS_WAY = timedelta(seconds=15)
#: Of a message that nobody can know of any more (docs/reliability.md says with whom).
TAKEN_AS_SENT = "no answer, and the provider cannot be asked: taken as sent"
GOOD = (MessageState.SENT, MessageState.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one sender. due_at: when it is worth another look; sent None: not decided yet."""

    channel: Channel
    sent: bool | None
    reason: str = ""
    due_at: datetime | None = None
    unclear: bool = False


async def through(rt: Runtime, deed: Any, ask: Asked, how: Plan, channel: Channel, sender: Sender) -> Tried:
    async with rt.store.read() as tx:
        rows = await messages.of_decision(tx, deed.key)
    row = next((one for one in rows if (one.channel, one.notifier) == (channel, sender.name)), None)
    if row is not None and row.state in GOOD:
        return Tried(channel=channel, sent=True)
    if row is not None and row.state in (MessageState.FAILED, MessageState.DROPPED):
        return Tried(channel=channel, sent=False, reason=row.reason or row.state)
    address = ask.reader.addresses.get(channel, "")
    try:
        message = await _begin(rt, deed, ask, how, channel, sender, row)
    except (CannotRender, Refused) as error:
        return await _failed(rt, deed, ask, channel, sender, row, str(error))
    if row is not None and row.begun_at is not None:
        known = await _look(rt, sender, message, address, row)
        if known is not None:
            return known
    return await _call(rt, deed, sender, message, address)


async def _begin(rt: Runtime, deed: Any, ask: Asked, how: Plan, channel: Channel, sender: Sender, row: Any) -> Message:
    """Write the intent, durably, before the world is touched; the same message id on every try."""
    now = rt.clock()
    message_id = row.id if row is not None else new_id("msg")
    begun = row.begun_at if row is not None and row.begun_at is not None else now
    message = await _message(rt, deed, ask, how, sender, message_id, begun)
    async with rt.store.write() as tx:
        await outbox.note(tx, deed, {"begun": message_id}, until=now + rt.lease)
        row_values = values(deed, ask, how, channel, sender, now)
        if row is None:
            await messages.add(tx, {**row_values, "id": message_id, "state": MessageState.QUEUED, "begun_at": now})
        else:
            await messages.change(tx, message_id, now, state=MessageState.QUEUED, begun_at=begun, reason=None)
    return message


async def _call(rt: Runtime, deed: Any, sender: Sender, message: Message, address: str) -> Tried:
    channel = sender.notifier.channel
    try:
        provider_id = await sender.notifier.send(message, address)
    except OutcomeUnknown as error:
        return Tried(channel=channel, sent=None, reason=error.detail, due_at=rt.clock() + LOOK_AFTER, unclear=True)
    except TryAgain as error:
        return await _later(rt, deed, sender, message, error)
    except CallPerson as error:
        await _given_up(rt, sender, message, address, error)
        return Tried(channel=channel, sent=False, reason=error.detail)
    await _sent(rt, message.id, provider_id)
    return Tried(channel=channel, sent=True)


async def _look(rt: Runtime, sender: Sender, message: Message, address: str, row: Any) -> Tried | None:
    """Was it sent before somebody died? None: not sent, or a repeat is harmless: say it."""
    channel = sender.notifier.channel
    try:
        found = await sender.notifier.find(message, address)
    except TryAgain as error:
        wait = timedelta(seconds=(error.retry_after if isinstance(error, Unavailable) else None) or 5)
        return Tried(channel=channel, sent=None, reason=error.detail, due_at=rt.clock() + wait, unclear=True)
    except CallPerson as error:
        log.warning("%s cannot be asked about %s: %s", sender.name, message.id, error.detail)
        found = Found.CANNOT_TELL
    swallowed_until = row.begun_at + timedelta(seconds=sender.notifier.repeat_safe_for)
    harmless = rt.clock() + ON_ITS_WAY < swallowed_until
    if found is Found.NOT_SENT or (found is Found.CANNOT_TELL and harmless):
        return None
    reason = None if found is Found.SENT else TAKEN_AS_SENT
    await _sent(rt, message.id, "", reason)
    return Tried(channel=channel, sent=True)


async def _later(rt: Runtime, deed: Any, sender: Sender, message: Message, error: TryAgain) -> Tried:
    """It was not sent: the intent is taken back, and the next sender is asked meanwhile."""
    now = rt.clock()
    wait = error.retry_after if isinstance(error, Unavailable) else None
    due_at = next_try(deed.attempts, wait, message.id, now)
    async with rt.store.write() as tx:
        await messages.change(tx, message.id, now, begun_at=None, reason=error.detail)
        if due_at is None:
            await messages.advance(tx, message.id, MessageState.FAILED, now)
    return Tried(channel=sender.notifier.channel, sent=False, reason=error.detail, due_at=due_at)


async def _given_up(rt: Runtime, sender: Sender, message: Message, address: str, error: CallPerson) -> None:
    now, channel = rt.clock(), sender.notifier.channel
    if isinstance(error, Refused) and error.config:
        log.error("%s cannot send anything: %s (%s)", sender.name, error.detail, error.code)
    async with rt.store.write() as tx:
        await messages.advance(tx, message.id, MessageState.FAILED, now, reason=error.detail)
        row = await messages.get(tx, message.id)
        if isinstance(error, (RecipientInvalid, RecipientOptedOut)) and row is not None:
            await messages.suppress(tx, channel, row.address_key, type(error).__name__, now)


async def _sent(rt: Runtime, message_id: str, provider_id: str, reason: str | None = None) -> None:
    now = rt.clock()
    async with rt.store.write() as tx:
        await messages.advance(tx, message_id, MessageState.SENT, now, sent_at=now, reason=reason)
        if provider_id:
            await messages.change(tx, message_id, now, provider_id=provider_id)


async def _failed(rt: Runtime, deed: Any, ask: Asked, channel: Channel, sender: Sender, row: Any, reason: str) -> Tried:
    """It cannot be said through this sender at all; nothing was sent."""
    now = rt.clock()
    async with rt.store.write() as tx:
        if row is None:
            row_values = values(deed, ask, None, channel, sender, now)
            await messages.add(tx, {**row_values, "id": new_id("msg"), "state": MessageState.FAILED, "reason": reason})
        else:
            await messages.advance(tx, row.id, MessageState.FAILED, now, reason=reason)
    log.error("%s cannot say %s: %s", sender.name, ask.decision.template, reason)
    return Tried(channel=channel, sent=False, reason=reason)


async def _message(
    rt: Runtime, deed: Any, ask: Asked, how: Plan, sender: Sender, message_id: str, begun: datetime
) -> Message:
    """Rendered for this sender. Raise Refused when it sends only approved templates and has none for us."""
    now, template = rt.clock(), ask.decision.template
    languages = [how.locale, *(one for one in rt.policies.messages.languages if one != how.locale)]
    approved = [(one, sender.template(template, one)) for one in languages]
    locale, provider = next(((one, found) for one, found in approved if found), (how.locale, None))
    if provider is None and sender.notifier.needs_template:
        raise Refused(f"{sender.name} has no approved template for {template} in {', '.join(languages)}")
    zone = ask.reader.timezone or rt.policies.messages.timezone
    params = parameters(rt, ask.about, locale=locale, zone=zone, now=now)
    words = rt.renderer.render(template, locale, params)
    first = None
    if ask.about.shipment is not None:
        async with rt.store.read() as tx:
            first = await messages.first_about(tx, ask.about.shipment.id, sender.notifier.channel)
    return Message(
        id=message_id,
        locale=locale,
        subject=words.subject,
        text=words.text,
        html=words.html,
        params=params,
        template=provider,
        link=params["link"],
        in_reply_to=first if first != message_id else None,
        kind=ask.decision.kind,
        created_at=begun,
    )


def values(deed: Any, ask: Asked, how: Plan | None, channel: Channel, sender: Sender, now: datetime) -> dict[str, Any]:
    shipment, case = ask.about.shipment, ask.about.case
    return {
        "decision": deed.key,
        "channel": channel,
        "notifier": sender.name,
        "template": ask.decision.template,
        "locale": how.locale if how else "",
        "kind": ask.decision.kind,
        "order_id": shipment.order_id if shipment else getattr(case, "order_id", None),
        "shipment_id": deed.shipment_id,
        "case_id": deed.case_id,
        "deed_id": deed.id,
        "address": ask.reader.addresses.get(channel, ""),
        "address_key": ask.keys.get(channel, ""),
        "params": {},
        "created_at": now,
        "updated_at": now,
    }
