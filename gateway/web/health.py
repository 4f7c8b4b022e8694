"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from gateway.store import backlogs, cases, census, inbox, incidents, mappings
from gateway.store import health as carrier_health
from gateway.store.away import StoreAway
from gateway.store.migrate import pending
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.models.carriers import Ready

log = logging.getLogger(__name__)
#: A backlog older than this, in seconds, and the process says that it is not ready for more.
_OLD = 300


def endpoints() -> list[Endpoint]:
    def row(path: str, handler: Any, summary: str, **more: Any) -> Endpoint:
        return Endpoint(method="GET", path=path, handler=handler, role=None, summary=summary, tag="running", **more)

    return [
        row("/healthz", alive, "The process answers"),
        row("/readyz", ready, "Store, schema and backlog", answers=Ready),
        row("/metrics", metrics, "OpenMetrics", media="application/openmetrics-text"),
    ]


async def alive(call: Call[None, None]) -> web.StreamResponse:
    return answer({"status": "ok"})


async def ready(call: Call[None, None]) -> web.StreamResponse:
    """503 with the reason: the store is away, the schema is another one, unread pushes or undone deeds are old.

    Without Redis the gateway is degraded and serves: 200.
    """
    lane = call.rt.lane
    needed = await _needed(call)
    wanted = {"redis": "ok" if lane.open else "lost"} if lane is not None else {}
    serves = all(state == "ok" for state in needed.values())
    good = serves and all(state == "ok" for state in wanted.values())
    said = {"status": "ok" if good else "degraded", "checks": {**needed, **wanted}}
    return answer(said, status=200 if serves else 503, headers={} if serves else {"Retry-After": "5"})


async def _needed(call: Call[None, None]) -> dict[str, str]:
    """What nothing goes without."""
    try:
        wanted = await pending(call.rt.store)
        ages = {name: age for name, (_, age) in (await _backlogs(call)).items()}
    except StoreAway as away:
        return {"store": f"away: {away}"}
    except Exception as error:
        log.exception("the store does not say how it is")
        return {"store": type(error).__name__}
    late = {name: "ok" if ages[name] < _OLD else f"{ages[name]:.0f} s behind" for name in ("inbox", "outbox")}
    return {"schema": f"migrate to {wanted}" if wanted else "ok", "store": "ok", **late}


async def metrics(call: Call[None, None]) -> web.StreamResponse:
    gauges = [sample async for sample in _gauges(call)]
    text = call.desk.metrics.text(gauges)
    return web.Response(
        body=text.encode(), headers={"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
    )


async def _backlogs(call: Call[None, None]) -> dict[str, tuple[int, float]]:
    """queue -> (how many are due, seconds the oldest has been due)."""
    now = call.rt.clock()
    async with call.rt.store.read() as tx:
        waiting = await backlogs.queues(tx, now)
    return {name: (number, _age(oldest, now)) for name, (number, oldest) in waiting.items()}


async def _gauges(call: Call[None, None]) -> Any:
    for name, (number, age) in (await _backlogs(call)).items():
        yield "gateway_due", {"queue": name}, number
        yield "gateway_oldest_due_seconds", {"queue": name}, age
    if call.rt.lane is not None:
        yield "gateway_redis_up", {}, int(call.rt.lane.open)
    async with call.rt.store.read() as tx:
        yield "gateway_processes", {}, await census.processes(tx)
        for sample in _counted("gateway_cases", ("kind", "state"), await cases.counts(tx)):
            yield sample
        for carrier, number in Counter(row.carrier for row in await mappings.unread(tx)).items():
            yield "gateway_unknown_codes", {"carrier": carrier}, number
        for state, number in (await inbox.counts(tx)).items():
            yield "gateway_inbox", {"state": state}, number
        for kind, number in (await backlogs.deeds(tx)).items():
            yield "gateway_deeds", {"kind": kind}, number
        stalled = await incidents.stalled(tx)
        for carrier, number in (await call.desk.live_legs.get(partial(incidents.live_legs, tx))).items():
            yield "gateway_live_legs", {"carrier": carrier}, number
            yield "gateway_stalled_shipments", {"carrier": carrier}, stalled.get(carrier, 0)
        for carrier, row in (await carrier_health.every(tx)).items():
            yield "gateway_poll_failures", {"carrier": carrier}, row.failures
            yield "gateway_circuit_open", {"carrier": carrier}, int(row.circuit == "open")


def _counted(name: str, labels: tuple[str, ...], found: Any) -> Iterator[tuple[str, dict[str, str], float]]:
    for values, number in found.items():
        yield name, dict(zip(labels, values, strict=True)), number


def _age(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
