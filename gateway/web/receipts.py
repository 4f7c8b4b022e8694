"""What providers of messages push: delivery receipts, WeChat's server check, replies."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from gateway.contract import BadPayload, BadSignature, Push
from gateway.messages.receipts import take
from gateway.plugins import Sender
from gateway.runtime import Runtime
from gateway.store import inbox
from gateway.store.inbox import QUARANTINED, READ, Raw
from gateway.store.rows import Row
from gateway.web.endpoint import Call, Endpoint
from gateway.web.problem import Problem, not_found
from gateway.web.webhooks import expected_path, inbound_push, reply

log = logging.getLogger(__name__)
_LIMIT = 1 << 20
#: What stands before a notifier's name where the inbox has a carrier's code.
KEPT_AS = "notifiers/"
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(
            method=method, path=path, handler=handler, role=None, summary=summary, tag="providers", media="*/*"
        )

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
    inbound = await inbound_push(call, _LIMIT)
    try:
        if not expected_path(inbound, sender.row.webhook_token):
            raise BadSignature("wrong path token")
        sender.notifier.verify(inbound)
    except (BadSignature, BadPayload) as error:
        call.desk.metrics.count("gateway_receipts_forged", notifier=sender.name)
        log.warning("a receipt to %s was refused: %s", sender.name, error.detail)
        return reply(sender.notifier.acknowledge(inbound, accepted=False), status=401)
    why = await _carry_out(call.rt, sender, inbound)
    if why is not None:
        # Sending it again will not mend it, so the answer is yes; a person finds it in the inbox.
        call.desk.metrics.count("gateway_receipts_unreadable", notifier=sender.name)
        log.error("a receipt to %s cannot be read: %s", sender.name, why)
        await _quarantine(call.rt, sender, inbound, why)
    return reply(sender.notifier.acknowledge(inbound, accepted=True))


async def handshake(call: Call[None, None]) -> web.StreamResponse:
    sender = _sender(call)
    inbound = await inbound_push(call, _LIMIT)
    try:
        if not expected_path(inbound, sender.row.webhook_token):
            raise BadSignature("wrong token")
        return reply(sender.notifier.handshake(inbound))
    except (BadSignature, BadPayload) as error:
        raise Problem(401, error.detail) from error


async def reread(rt: Runtime, row: Row) -> str | None:
    """Read a quarantined receipt again, after its notifier was mended. Why it cannot be read still; None: it was."""
    sender = rt.notifiers.get(row.carrier.removeprefix(KEPT_AS))
    why = "its notifier is no longer configured" if sender is None else await _carry_out(rt, sender, _kept(row))
    async with rt.store.write() as tx:
        await inbox.settle(tx, row.id, QUARANTINED if why else READ, why)
    return why


async def _carry_out(rt: Runtime, sender: Sender, inbound: Push) -> str | None:
    try:
        receipts = sender.notifier.receipts(inbound)
    except BadPayload as error:
        return error.detail
    await take(rt, sender, receipts)
    return None


async def _quarantine(rt: Runtime, sender: Sender, inbound: Push, why: str) -> None:
    """Raw, beside the carriers' pushes that could not be read; the path token and credentials stay out."""
    request = {
        "method": inbound.method,
        "path": f"/webhooks/{KEPT_AS}{sender.name}",
        "query": dict(inbound.query),
        "headers": {name: value for name, value in inbound.headers.items() if name not in _SECRET},
        "token": inbound.token is not None,
    }
    at = inbound.received_at or rt.clock()
    raw = Raw(carrier=f"{KEPT_AS}{sender.name}", received_at=at, request=request, body=inbound.body)
    async with rt.store.write() as tx:
        (number,) = await inbox.add(tx, [raw])
        await inbox.settle(tx, number, QUARANTINED, why)


def _kept(row: Row) -> Push:
    request = row.request
    return Push(
        method=request["method"],
        path=request["path"],
        query=request["query"],
        headers=request["headers"],
        body=row.body,
        token="-" if request["token"] else None,
        received_at=row.received_at,
    )


def _sender(call: Call[None, None]) -> Sender:
    sender = call.rt.notifiers.get(call.path("name"))
    if sender is None:
        raise not_found("notifier of this name")
    return sender
