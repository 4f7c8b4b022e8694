"""One table of endpoints: what is served, to whom, what it takes. The OpenAPI document is made of the same table."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.runtime import Runtime
from gateway.store.away import StoreAway
from gateway.tracking.inbox import Inbox
from gateway.web.auth import Caller, Keyring, Role, require
from gateway.web.body import parsed, read_json, read_query, storable
from gateway.web.metrics import Kept, Metrics
from gateway.web.models.fields import Model
from gateway.web.once import first_answer
from gateway.web.problem import Problem, not_found

log = logging.getLogger(__name__)
Body = TypeVar("Body")
Query = TypeVar("Query")
Answer = TypeVar("Answer")
MAX_BODY = 4 << 20


class NoQuery(Model):
    """Nothing may be asked for: a misspelt parameter is named instead of lost."""


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
    """What the doors share beside the runtime. closing: the process is about to end, live readers shall go.
    heartbeat: seconds between two signs of life to a live reader. live_legs: how many are under way, by carrier."""

    keyring: Keyring
    metrics: Metrics
    inbox: Inbox
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    heartbeat: float = 15
    live_legs: Kept[dict[str, int]] = field(default_factory=Kept)


Handler = Callable[[Any], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """role None: open to everyone, and what it asks for is its own matter. once: takes an Idempotency-Key.

    reads: the model of a body that the handler reads itself. answers: the model of the 2xx answer, of this media type;
    also: other good statuses, with their models. lists: answers CSV to whoever asks for it. streams: stays open.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None
    summary: str
    tag: str
    body: type[BaseModel] | None = None
    reads: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: type[BaseModel] | None = None
    media: str = "application/json"
    status: int = 200
    also: tuple[tuple[int, type[BaseModel] | None], ...] = ()
    once: bool = False
    lists: bool = False
    streams: bool = False


def answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    body = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, ensure_ascii=False)
    return web.Response(
        body=body.encode("utf-8", "replace"), status=status, content_type="application/json", headers=headers
    )


def served(endpoint: Endpoint, rt: Runtime, desk: Desk) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an endpoint: caller, query, body, then the work; every failure becomes a problem."""
    histogram = desk.metrics.route(endpoint.method, endpoint.path)

    async def handle(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        response = await guarded(endpoint.method, endpoint.path, _answered(endpoint, rt, desk, request))
        if not endpoint.streams:
            histogram.observe(time.perf_counter() - started, response.status)
        return response

    return handle


async def guarded(method: str, path: str, work: Awaitable[Answer]) -> Answer | web.Response:
    """What comes of the work of an endpoint; every failure becomes a problem."""
    try:
        return await work
    except Problem as problem:
        return problem.response()
    except StoreAway as away:
        return busy(away).response()
    except web.HTTPRequestEntityTooLarge:
        return Problem(413, f"the body is larger than {MAX_BODY} bytes").response()
    except web.HTTPException as error:  # aiohttp's own
        return Problem(error.status, error.reason).response()
    except ConnectionError:
        raise
    except Exception:
        log.exception("%s %s failed", method, path)
        return Problem(500, "this is our fault; it was logged").response()


def busy(away: StoreAway) -> Problem:
    """503: whoever asks again when it is back loses nothing."""
    return Problem(503, "the store cannot be reached now: try again", headers={"Retry-After": str(away.retry_after)})


async def _answered(endpoint: Endpoint, rt: Runtime, desk: Desk, request: web.Request) -> web.StreamResponse:
    if not storable(request.path):
        raise not_found("such thing")
    caller, query = None, None
    # An open door does not look at Authorization: carriers push with credentials of their own.
    if endpoint.role is not None:
        caller = require(
            await desk.keyring.caller(request.headers.get(hdrs.AUTHORIZATION), time.monotonic()), endpoint.role
        )
        query = read_query(endpoint.query or NoQuery, request.rel_url.raw_query_string)
    body = parsed(endpoint.body, await read_json(request)) if endpoint.body else None
    call: Call[Any, Any] = Call(rt=rt, desk=desk, request=request, caller=caller, body=body, query=query)
    key = request.headers.get("Idempotency-Key") if endpoint.once else None
    if key and caller:
        scope = f"{caller.id}|{endpoint.method} {request.path}"
        return await first_answer(rt, scope, key, await request.read(), lambda: endpoint.handler(call))
    return await endpoint.handler(call)
