"""What storefronts read. A number that was read a moment ago costs no SQL; nothing here shows a person's data."""

from __future__ import annotations

import json
import time
from typing import Any

from aiohttp import hdrs, web

from gateway.store import shipments
from gateway.tracking.view import Ambiguous, load_view, load_views, read_tracking
from gateway.web.auth import Role
from gateway.web.conditional import CACHE, VARY, conditional
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.language import language
from gateway.web.live import Feed, stream
from gateway.web.models.reading import LocaleQuery, NumbersQuery, TrackingQuery, split
from gateway.web.models.tracked import Candidates, OrderTracking, Tracking, Trackings
from gateway.web.problem import Problem, not_found

#: Where one parcel is read.
ONE = "/v1/tracking/{number}"


def endpoints() -> list[Endpoint]:
    def row(path: str, handler: Any, summary: str, query: Any, answers: Any, **more: Any) -> Endpoint:
        return Endpoint(
            method="GET",
            path=path,
            handler=handler,
            role=Role.STOREFRONT,
            summary=summary,
            tag="tracking",
            query=query,
            answers=answers,
            **more,
        )

    return [
        row(ONE, show, "Where a parcel is", TrackingQuery, Tracking, also=((300, Candidates), (304, None))),
        row("/v1/tracking", several, "Up to 100 numbers", NumbersQuery, Trackings),
        row(
            f"{ONE}/live",
            live,
            "The same at each change",
            TrackingQuery,
            Tracking,
            media="text/event-stream",
            streams=True,
        ),
        row("/v1/orders/{order_id}/tracking", of_order, "Every parcel of an order", LocaleQuery, OrderTracking),
    ]


async def show(call: Call[None, TrackingQuery]) -> web.StreamResponse:
    reader = _reader(call)
    rendered = await read_tracking(call.rt, call.path("number"), call.query.carrier, reader)
    if rendered is None:
        raise _unknown()
    return conditional(call.request, rendered, reader)


async def several(call: Call[None, NumbersQuery]) -> web.StreamResponse:
    """not_found: numbers nobody registered. ambiguous: those to be asked for with their carrier."""
    reader = _reader(call)
    items, ambiguous, missing = [], [], []
    for number in split(call.query.numbers):
        rendered = await read_tracking(call.rt, number, call.query.carrier, reader)
        if rendered is None:
            missing.append(number)
        elif rendered.status == 200:
            items.append(rendered.body)
        else:
            ambiguous.append({"number": number, **json.loads(rendered.body)})
    rest = json.dumps({"not_found": missing, "ambiguous": ambiguous}, ensure_ascii=False).encode("utf-8", "replace")
    body = b'{"items":[' + b",".join(items) + b"]," + rest[1:]
    return web.Response(body=body, content_type="application/json", headers=_headers(reader))


async def of_order(call: Call[None, LocaleQuery]) -> web.StreamResponse:
    reader, order_id = _reader(call), call.path("order_id")
    async with call.rt.store.read() as tx:
        rows = await shipments.of_order(tx, order_id)
        found = await load_views(call.rt, tx, [row.id for row in rows], reader)
    if not found:
        raise not_found("shipment of this order")
    return answer({"order_id": order_id, "items": [one.view for one in found]}, headers=_headers(reader))


async def live(call: Call[None, TrackingQuery]) -> web.StreamResponse:
    """Server-Sent Events: id is the sequence, data the Tracking."""
    reader = _reader(call)
    async with call.rt.store.read() as tx:
        found = await load_view(call.rt, tx, call.path("number"), call.query.carrier, reader)
    if found is None:
        raise _unknown()
    if isinstance(found, Ambiguous):
        candidates = list(found.candidates)
        raise Problem(300, "two carriers know this number: name the carrier", extra={"candidates": candidates})
    return await stream(call, Feed(shipment_id=found.shipment.id, language=reader, allowed=lambda: _still(call)))


async def _still(call: Call[None, TrackingQuery]) -> bool:
    """Whether the key is still good."""
    try:
        return await call.desk.keyring.caller(call.request.headers.get("Authorization"), time.monotonic()) is not None
    except Problem:
        return False


def _reader(call: Call[None, Any]) -> str:
    return language(call.rt, call.query.locale, call.request.headers.get(hdrs.ACCEPT_LANGUAGE))


def _headers(reader: str) -> dict[str, str]:
    return {"Cache-Control": CACHE, "Vary": VARY, "Content-Language": reader}


def _unknown() -> Problem:
    return not_found("shipment of this number")
