"""The order system's door: register, batch, list, read, edit, ask the carrier now, stop watching."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from gateway.contract import ContractError, TryAgain
from gateway.runtime import Runtime
from gateway.store import legs, shipments
from gateway.store.engine import Tx
from gateway.store.rows import Row
from gateway.store.shipments import Filter
from gateway.tracking.change import Snapshot
from gateway.tracking.detecting import WITHIN
from gateway.tracking.numbers import normal
from gateway.tracking.refresh import CannotAsk, TooSoon, refresh
from gateway.tracking.register import NewShipment, UnknownShipment, register
from gateway.tracking.watching import Edit, edit
from gateway.tracking.watching import stop as stop_watching
from gateway.web.auth import Role
from gateway.web.detected import detected
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import page, text_cursor
from gateway.web.models.shipments import BatchIn, ShipmentIn, ShipmentPatch, ShipmentQuery
from gateway.web.models.tracked import Batch, Shipment, Shipments
from gateway.web.problem import Problem, invalid, not_found

_ABSENT = object()
#: Seconds after which asking a carrier again may help, when it does not say.
_RETRY = 30.0
#: Shipments of a batch that are written in one transaction.
_TOGETHER = 25
_PLAIN = {"order_id", "carrier", "tracking_number", "service", "booking"}


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str, model: Any, **more: Any) -> Endpoint:
        return Endpoint(
            method=method,
            path=path,
            handler=handler,
            role=Role.MERCHANT,
            summary=summary,
            tag="shipments",
            answers=model,
            **more,
        )

    every, one = "/v1/shipments", "/v1/shipments/{id}"
    first = ((200, Shipment),)
    return [
        row("POST", every, create, "Watch a shipment", Shipment, body=ShipmentIn, status=201, also=first, once=True),
        row("POST", f"{every}/batch", batch, "Up to 1,000, each answered on its own", Batch, body=BatchIn, once=True),
        row("GET", every, listing, "Shipments, newest first", Shipments, query=ShipmentQuery, lists=True),
        row("GET", one, show, "One shipment", Shipment),
        row("PATCH", one, patch, "Change promise, recipient or metadata", Shipment, body=ShipmentPatch, once=True),
        row("DELETE", one, stop, "Stop watching", None, status=204),
        row("POST", f"{one}/refresh", ask_now, "Ask the carrier now", Shipment, once=True),
    ]


async def create(call: Call[ShipmentIn, None]) -> web.StreamResponse:
    """201 with the new one; 200 with the first one of this (carrier, tracking_number)."""
    new = await new_shipment(call.rt, call.body, _deadline())
    async with call.rt.store.write() as tx:
        status, shown = await _registered(call.rt, tx, new)
    return answer(shown, status=status)


async def batch(call: Call[BatchIn, None]) -> web.StreamResponse:
    """200 with an entry for each: its status, and the shipment or the problem. Many are written together."""
    deadline = _deadline()
    read = await asyncio.gather(*(_read(call.rt, value, deadline) for value in call.body.shipments))
    answers = {place: one for place, one in enumerate(read) if isinstance(one, dict)}
    # In the order of their names: two batches with the same parcels wait for each other, and never for ever.
    wanted = sorted(
        ((place, one) for place, one in enumerate(read) if isinstance(one, NewShipment)),
        key=lambda pair: (pair[1].carrier, normal(pair[1].tracking_number)),
    )
    for start in range(0, len(wanted), _TOGETHER):
        async with call.rt.store.write() as tx:
            for place, new in wanted[start : start + _TOGETHER]:
                status, shown = await _registered(call.rt, tx, new)
                answers[place] = {"status": status, "shipment": shown}
    return answer({"items": [answers[place] for place in range(len(read))]})


async def _registered(rt: Runtime, tx: Tx, new: NewShipment) -> tuple[int, dict[str, Any]]:
    registered = await register(rt, tx, new)
    return 201 if registered.created else 200, await _shown(rt, tx, registered.id)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + WITHIN


async def _read(rt: Runtime, value: Any, deadline: float) -> NewShipment | dict[str, Any]:
    try:
        return await new_shipment(rt, ShipmentIn.model_validate(value), deadline)
    except ValidationError as error:
        return _refused(invalid(error))
    except Problem as problem:
        return _refused(problem)


def _refused(problem: Problem) -> dict[str, Any]:
    errors = [{"field": field, "problem": text} for field, text in problem.errors]
    return {"status": problem.status, "detail": problem.detail, "errors": errors, **problem.extra}


async def new_shipment(rt: Runtime, body: ShipmentIn, deadline: float) -> NewShipment:
    """Raise 422 naming `carrier` for one that is not in carriers.yaml, or absent and not certain from the number.

    deadline: for what is asked about the number."""
    document = body.model_dump(mode="json", exclude=_PLAIN, exclude_none=True)
    carrier, number = body.carrier, body.tracking_number
    if carrier is None:
        certain, document["detected"] = await detected(rt, number, deadline)
        carrier, number = certain.carrier, certain.number
    if carrier not in rt.carriers:
        raise _carrier(f"there is no carrier {carrier}: one of {', '.join(rt.carriers)}")
    return NewShipment(
        order_id=body.order_id,
        carrier=carrier,
        tracking_number=number,
        service=body.service,
        promised_at=body.promised_at,
        reference=body.booking.reference if body.booking else "",
        document=document,
    )


def _carrier(reason: str) -> Problem:
    return Problem(422, "cannot be accepted: carrier", errors=[("carrier", reason)])


async def listing(call: Call[None, ShipmentQuery]) -> web.StreamResponse:
    query = call.query
    wanted = Filter(**query.model_dump(exclude={"limit", "cursor"}))
    async with call.rt.store.read() as tx:
        rows = await shipments.listing(tx, wanted, limit=query.limit + 1, before=text_cursor(query.cursor))
    return page(call, [brief(call.rt, row) for row in rows], [row.id for row in rows], query.limit)


async def show(call: Call[None, None]) -> web.StreamResponse:
    async with call.rt.store.read() as tx:
        return answer(await _shown(call.rt, tx, call.path("id")))


async def patch(call: Call[ShipmentPatch, None]) -> web.StreamResponse:
    """Only what is given changes, inside recipient and metadata too; null takes a value away (RFC 7396)."""
    changes = call.body.model_dump(mode="json", exclude_unset=True)
    try:
        async with call.rt.store.write() as tx:
            for row in await shipments.locked(tx, [call.path("id")]):
                await edit(call.rt, tx, row.id, _edit(call.body, changes, row.document))
            shown = await _shown(call.rt, tx, call.path("id"))
    except UnknownShipment as error:
        raise not_found("shipment of this id") from error
    return answer(shown)


def _edit(body: ShipmentPatch, changes: dict[str, Any], before: Mapping[str, Any]) -> Edit:
    promise = changes.pop("promised_at", _ABSENT)
    after = {name: merged(before.get(name), value) for name, value in changes.items()}
    return Edit(promised_at=body.promised_at, no_promise=promise is None, document=after)


def merged(before: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged field by field, null removes a field, anything else replaces."""
    if not isinstance(patch, dict):
        return {} if patch is None else patch
    kept = dict(before) if isinstance(before, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), value)
    return kept


async def stop(call: Call[None, None]) -> web.StreamResponse:
    try:
        async with call.rt.store.write() as tx:
            await stop_watching(call.rt, tx, call.path("id"))
    except UnknownShipment as error:
        raise not_found("shipment of this id") from error
    return web.Response(status=204)


async def ask_now(call: Call[None, None]) -> web.StreamResponse:
    """The shipment after the carrier was asked. 429 when that was done a moment ago, 409 when it cannot be asked, 503
    or 502 when it does not answer or answers no."""
    try:
        await refresh(call.rt, call.path("id"))
    except TooSoon as soon:
        age = None if soon.age is None else round(soon.age)
        detail = "this carrier may not be asked so often; what is stored is as old as age_seconds"
        raise Problem(429, detail, headers=_retry(soon.retry_after), extra={"age_seconds": age}) from soon
    except CannotAsk as error:
        raise Problem(409, f"carrier {error} cannot be asked, neither itself nor through another") from error
    except UnknownShipment as error:
        raise not_found("shipment of this id") from error
    except TryAgain as error:
        raise Problem(503, f"the carrier does not answer: {error.detail}", headers=_retry(_after(error))) from error
    except ContractError as error:
        raise Problem(502, f"the carrier says no: {error.detail}") from error
    return await show(call)


def _after(error: TryAgain) -> float:
    return getattr(error, "retry_after", None) or _RETRY


def _retry(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


async def _shown(rt: Runtime, tx: Tx, shipment_id: str) -> dict[str, Any]:
    row = await shipments.get(tx, shipment_id)
    if row is None:
        raise not_found("shipment of this id")
    journey = await legs.of_shipments(tx, [shipment_id])
    return {**brief(rt, row), "legs": [_leg(rt, leg) for leg in journey], **dict(row.document)}


def brief(rt: Runtime, row: Row) -> dict[str, Any]:
    """A shipment as lists show it: nothing of the person."""
    one = Snapshot.of(row)
    return {
        "id": one.id,
        "order_id": one.order_id,
        "carrier": _carrier_name(rt, one.carrier),
        "tracking_number": one.tracking_number,
        "service": one.service,
        "status": one.status,
        "reason": one.reason,
        "since": _iso(one.since),
        "promised_at": _iso(one.promised_at),
        "delivered_at": _iso(one.delivered_at),
        "stalled": one.stalled,
        "late": one.late,
        "watching": one.watching,
        "sequence": one.sequence,
        "created_at": _iso(one.created_at),
        "updated_at": _iso(one.updated_at),
    }


def _leg(rt: Runtime, row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "carrier": _carrier_name(rt, row.carrier),
        "tracking_number": row.tracking_number,
        "reference": row.reference,
        "status": row.status,
        "opened_at": _iso(row.opened_at),
        "closed_at": _iso(row.closed_at),
        "closed_why": row.closed_why,
        "heard_at": _iso(row.heard_at),
        "polled_at": _iso(row.polled_at),
    }


def _carrier_name(rt: Runtime, code: str) -> dict[str, str]:
    """In the shop's own language."""
    language = rt.policies.messages.languages[0]
    return {"code": code, "name": rt.carriers[code].name(language) if code in rt.carriers else code}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
