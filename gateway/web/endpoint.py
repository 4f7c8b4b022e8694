"""One table of endpoints: what is served, to whom, what it takes. The OpenAPI document is made of the same table."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.runtime import Runtime
from gateway.store import idempotency
from gateway.tracking.inbox import Inbox
from gateway.web.auth import Caller, Keyring, Role, require
from gateway.web.metrics import Metrics
from gateway.web.problem import Problem, invalid

log = logging.getLogger(__name__)
Body = TypeVar("Body")
Query = TypeVar("Query")
MAX_BODY = 4 << 20


@dataclass(slots=True, kw_only=True)
class Call(Generic[Body, Query]):
    """A request that may do what it asks. body and query are instances of the endpoint's models."""

    rt: Runtime
    desk: Desk
    request: web.Request
    caller: Caller | None
    body: Body
    query: Query

    @property
    def who(self) -> str:
        """For the audit."""
        return self.caller.label if self.caller else "-"

    def path(self, name: str) -> str:
        return self.request.match_info[name]


@dataclass(slots=True, kw_only=True)
class Desk:
    """What the doors share beside the runtime."""

    keyring: Keyring
    metrics: Metrics
    inbox: Inbox


Handler = Callable[[Any], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """role None: open to everyone. once: takes an Idempotency-Key. answers: the model of the 2xx answer."""

    method: str
    path: str
    handler: Handler
    role: Role | None
    summary: str
    tag: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: type[BaseModel] | None = None
    status: int = 200
    once: bool = False


def answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    body = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, ensure_ascii=False)
    return web.Response(body=body.encode(), status=status, content_type="application/json", headers=headers)


def served(endpoint: Endpoint, rt: Runtime, desk: Desk) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an endpoint: caller, body, query, then the work; every failure becomes a problem."""
    histogram = desk.metrics.route(endpoint.method, endpoint.path)

    async def handle(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        try:
            response = await _answered(endpoint, rt, desk, request)
        except Problem as problem:
            response = problem.response()
        except web.HTTPRequestEntityTooLarge:
            response = Problem(413, f"the body is larger than {MAX_BODY} bytes").response()
        except (ConnectionError, web.HTTPException):
            raise
        except Exception:
            log.exception("%s %s failed", endpoint.method, endpoint.path)
            response = Problem(500, "this is our fault; it was logged").response()
        histogram.observe(time.perf_counter() - started, response.status)
        return response

    return handle


async def _answered(endpoint: Endpoint, rt: Runtime, desk: Desk, request: web.Request) -> web.StreamResponse:
    caller = await desk.keyring.caller(request.headers.get("Authorization"), time.monotonic())
    if endpoint.role is not None:
        require(caller, endpoint.role)
    query = _parsed(endpoint.query, dict(request.query)) if endpoint.query else None
    body = _parsed(endpoint.body, await _json(request)) if endpoint.body else None
    call: Call[Any, Any] = Call(rt=rt, desk=desk, request=request, caller=caller, body=body, query=query)
    key = request.headers.get("Idempotency-Key")
    if endpoint.once and key and caller:
        return await _once(endpoint, call, f"{caller.id}|{endpoint.method} {request.path}|{key}")
    return await endpoint.handler(call)


async def _json(request: web.Request) -> Any:
    raw = await request.read()
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "the body is not JSON", errors=[("", "not JSON")]) from error


def _parsed(model: type[BaseModel], value: Any) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from error


async def _once(endpoint: Endpoint, call: Call[Any, Any], key: str) -> web.StreamResponse:
    """The first answer for a key, whoever asks again; another body is refused, and so is one still under way."""
    if len(key) > 200:
        raise Problem(422, "Idempotency-Key is too long", errors=[("Idempotency-Key", "at most 100 characters")])
    body_hash = hashlib.sha256(await call.request.read()).hexdigest()
    async with call.rt.store.write() as tx:
        first = await idempotency.begin(tx, key, body_hash, call.rt.clock())
    if first is not None:
        if first.body_hash != body_hash:
            raise Problem(422, "this Idempotency-Key was used with another body", errors=[("Idempotency-Key", "used")])
        if first.status is None:
            raise Problem(409, "the first call with this Idempotency-Key is still under way")
        return web.Response(body=first.answer, status=first.status, content_type="application/json")
    try:
        response = await endpoint.handler(call)
    except BaseException:
        async with call.rt.store.write() as tx:
            await idempotency.forget(tx, key)
        raise
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        async with call.rt.store.write() as tx:
            await idempotency.answer(tx, key, response.status, response.body)
    return response
