"""What carriers push: verified, kept raw in a durable commit, answered as the carrier expects, and read later."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from gateway.contract import BadPayload, BadSignature, Can, Outcome, Push, Reply, Verdict
from gateway.plugins import Carrier
from gateway.tracking.inbox import Busy
from gateway.web.endpoint import Call, Endpoint
from gateway.web.problem import Problem, not_found

log = logging.getLogger(__name__)
#: What an OAuth token request may measure.
_TOKEN_BODY = 64 << 10
#: Seconds for an adapter to fetch a key that a push was signed with.
_KEY_SECONDS = 5.0


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(
            method=method, path=path, handler=handler, role=None, summary=summary, tag="carriers", media="*/*"
        )

    return [
        row("POST", "/webhooks/{carrier}/token", token, "A bearer for a carrier that signs in before it pushes"),
        row("POST", "/webhooks/{carrier}", push, "A signed push; the answer is the carrier's own"),
        row("POST", "/webhooks/{carrier}/{token}", push, "A push on a secret path"),
        row("GET", "/webhooks/{carrier}", probe, "The carrier's probe or handshake"),
        row("GET", "/webhooks/{carrier}/{token}", probe, "The carrier's probe or handshake on a secret path"),
    ]


async def push(call: Call[None, None]) -> web.StreamResponse:
    """Yes only after the push is durable. 401 forged, 404 unknown, 413 too large, 503 when it cannot be kept now."""
    carrier = _carrier(call)
    inbound = await inbound_push(call, carrier.row.max_body)
    if not await _authentic(call, carrier, inbound):
        refusal = carrier.adapter.acknowledge(Outcome(verdict=Verdict.FORGED, push=inbound))
        return reply(refusal, status=401)
    try:
        await call.desk.inbox.accept(carrier.code, inbound)
    except Busy as busy:
        call.desk.metrics.count("gateway_pushes_busy", carrier=carrier.code)
        refusal = carrier.adapter.acknowledge(Outcome(verdict=Verdict.BUSY, push=inbound))
        return reply(refusal, status=503, headers={"Retry-After": str(busy.retry_after)})
    call.desk.metrics.count("gateway_pushes", carrier=carrier.code)
    return reply(carrier.adapter.acknowledge(Outcome(verdict=Verdict.ACCEPTED, push=inbound)))


async def probe(call: Call[None, None]) -> web.StreamResponse:
    carrier = _carrier(call)
    inbound = await inbound_push(call, carrier.row.max_body)
    if not expected_path(inbound, carrier.row.webhook_token):
        raise Problem(401, "wrong token")
    try:
        return reply(carrier.adapter.handshake(inbound))
    except BadSignature as error:
        raise Problem(401, error.detail) from error


async def token(call: Call[None, None]) -> web.StreamResponse:
    carrier = _carrier(call)
    try:
        return reply(carrier.adapter.token(await inbound_push(call, _TOKEN_BODY)))
    except (BadSignature, BadPayload) as error:
        raise Problem(401, error.detail) from error


def _carrier(call: Call[None, None]) -> Carrier:
    carrier = call.rt.carriers.get(call.path("carrier"))
    if carrier is None or Can.WEBHOOK not in carrier.can:
        raise not_found("carrier of this code that pushes")
    return carrier


async def _authentic(call: Call[None, None], carrier: Carrier, inbound: Push) -> bool:
    try:
        if not expected_path(inbound, carrier.row.webhook_token):
            raise BadSignature("wrong path token")
        await _verified(carrier, inbound)
    except (BadSignature, BadPayload) as error:
        call.desk.metrics.count("gateway_pushes_forged", carrier=carrier.code)
        log.warning("a push to %s was refused: %s", carrier.code, error.detail)
        return False
    return True


async def _verified(carrier: Carrier, inbound: Push) -> None:
    """Looked at twice, where the adapter could fetch a key that it lacked. Raise BadSignature."""
    try:
        carrier.adapter.verify(inbound)
    except BadSignature:
        try:
            async with asyncio.timeout(_KEY_SECONDS):
                learnt = await carrier.adapter.learn()
        except TimeoutError:
            learnt = False
        if not learnt:
            raise
        carrier.adapter.verify(inbound)


def expected_path(inbound: Push, token: SecretStr | None) -> bool:
    """Whether the path token is the row's, where the push came with one. Raise 404 when the row has none."""
    if inbound.token is None:
        return True
    if token is None:
        raise not_found("secret path here")
    return hmac.compare_digest(inbound.token.encode("utf-8", "replace"), token.get_secret_value().encode())


async def inbound_push(call: Call[None, None], limit: int) -> Push:
    """A request as the plugins see it. Its path token is not checked yet (`expected_path`). Raise 413."""
    request = call.request
    return Push(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await limited_body(request, limit),
        token=request.match_info.get("token"),
        received_at=call.rt.clock(),
    )


async def limited_body(request: web.Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be larger than allowed."""
    too_large = Problem(413, f"the body is larger than {limit} bytes", headers={"Connection": "close"})
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def reply(plugin: Reply, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> web.Response:
    """A plugin's answer as it stands."""
    response = web.Response(status=status or plugin.status, body=plugin.body, headers=headers)
    if plugin.body:
        response.content_type = plugin.content_type.split(";")[0]
        response.charset = "utf-8"
    return response
