"""What providers of messages push: delivery receipts, WeChat's server check, replies."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from gateway.contract import BadPayload, BadSignature
from gateway.messages.receipts import take
from gateway.plugins import Sender
from gateway.web.endpoint import Call, Endpoint
from gateway.web.problem import Problem, not_found
from gateway.web.webhooks import inbound_push, reply

log = logging.getLogger(__name__)
_LIMIT = 1 << 20


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(method=method, path=path, handler=handler, role=None, summary=summary, tag="providers")

    return [
        row(method, f"/webhooks/notifiers/{{name}}{token}", handler, summary)
        for token in ("", "/{token}")
        for method, handler, summary in (
            ("POST", receive, "A delivery receipt; the answer is the provider's own"),
            ("GET", handshake, "The provider's check of our server"),
        )
    ]


async def receive(call: Call[None, None]) -> web.StreamResponse:
    """Carried out before the answer: a receipt is small, and what cannot be kept is pushed again."""
    sender = _sender(call)
    inbound = await inbound_push(call.request, sender.row.webhook_token, _LIMIT, now=call.rt.clock())
    try:
        sender.notifier.verify(inbound)
    except (BadSignature, BadPayload) as error:
        call.desk.metrics.count("gateway_receipts_forged", notifier=sender.name)
        log.warning("a receipt to %s was refused: %s", sender.name, error.detail)
        return reply(sender.notifier.acknowledge(inbound, accepted=False), status=401)
    try:
        receipts = sender.notifier.receipts(inbound)
    except BadPayload as error:
        # Sending it again will not mend it, so the answer is yes.
        call.desk.metrics.count("gateway_receipts_unreadable", notifier=sender.name)
        log.error("a receipt to %s cannot be read: %s", sender.name, error.detail)
        return reply(sender.notifier.acknowledge(inbound, accepted=True))
    await take(call.rt, sender, receipts)
    return reply(sender.notifier.acknowledge(inbound, accepted=True))


async def handshake(call: Call[None, None]) -> web.StreamResponse:
    sender = _sender(call)
    inbound = await inbound_push(call.request, sender.row.webhook_token, _LIMIT, now=call.rt.clock())
    try:
        return reply(sender.notifier.handshake(inbound))
    except (BadSignature, BadPayload) as error:
        raise Problem(401, error.detail) from error


def _sender(call: Call[None, None]) -> Sender:
    sender = call.rt.notifiers.get(call.path("name"))
    if sender is None:
        raise not_found("notifier of this name")
    return sender
