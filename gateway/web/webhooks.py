"""What carriers push: verified, kept raw in a durable commit, answered as the carrier expects, and read later."""

from __future__ import annotations

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


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str) -> Endpoint:
        return Endpoint(method=method, path=path, handler=handler, role=None, summary=summary, tag="carriers")

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
    inbound = await _inbound(call, carrier.row.webhook_token, carrier.row.max_body)
    if not _authentic(call, carrier, inbound):
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
    inbound = await _inbound(call, carrier.row.webhook_token, carrier.row.max_body)
    try:
        return reply(carrier.adapter.handshake(inbound))
    except BadSignature as error:
        raise Problem(401, error.detail) from error


async def token(call: Call[None, None]) -> web.StreamResponse:
    carrier = _carrier(call)
    try:
        return reply(carrier.adapter.token(await _inbound(call, None, 65536)))
    except (BadSignature, BadPayload) as error:
        raise Problem(401, error.detail) from error


def _carrier(call: Call[None, None]) -> Carrier:
    carrier = call.rt.carriers.get(call.path("carrier"))
    if carrier is None or Can.WEBHOOK not in carrier.can:
        raise not_found("carrier of this code that pushes")
    return carrier


def _authentic(call: Call[None, None], carrier: Carrier, inbound: Push) -> bool:
    try:
        carrier.adapter.verify(inbound)
    except (BadSignature, BadPayload) as error:
        call.desk.metrics.count("gateway_pushes_forged", carrier=carrier.code)
        log.warning("a push to %s was refused: %s", carrier.code, error.detail)
        return False
    return True


async def _inbound(call: Call[Any, Any], expected: SecretStr | None, limit: int) -> Push:
    return await inbound_push(call.request, expected, limit, now=call.rt.clock())


async def inbound_push(request: web.Request, expected: SecretStr | None, limit: int, *, now: Any) -> Push:
    """A request as the plugins see it. Its path token is checked: 404 when there is none to check, 401 when wrong."""
    given = request.match_info.get("token")
    if given is not None:
        if expected is None:
            raise not_found("secret path here")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.get_secret_value().encode()):
            raise Problem(401, "wrong token")
    return Push(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await limited_body(request, limit),
        token=given,
        received_at=now,
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
