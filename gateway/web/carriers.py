"""Carriers as they are now, incidents that operators declare, and who would take a parcel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.plugins import Carrier
from gateway.routing import candidates
from gateway.rules import choose as rules
from gateway.rules.choose import Candidate, Choice, ParcelFacts
from gateway.runtime import Runtime
from gateway.stalls.incidents import NoSuchIncident, declare, end_declared
from gateway.store import backlogs, health, incidents, mappings
from gateway.store.engine import Tx
from gateway.store.ids import new_id
from gateway.store.rows import Row
from gateway.tracking.accounts import account, rate
from gateway.tracking.register import lane_end
from gateway.web.auth import Role
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import whole
from gateway.web.models.carriers import CarrierOut, CarriersOut, Chosen
from gateway.web.models.operators import ChooseIn, IncidentIn
from gateway.web.problem import Problem, not_found

_MOST_CODES = 10_000


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str, role: Role = Role.OPS, **more: Any) -> Endpoint:
        return Endpoint(method=method, path=path, handler=handler, role=role, summary=summary, tag="carriers", **more)

    declaring: dict[str, Any] = {"body": IncidentIn, "answers": CarrierOut, "once": True}
    return [
        row("GET", "/v1/carriers", listing, "How each carrier is", answers=CarriersOut, lists=True),
        row(
            "POST",
            "/v1/carriers/choose",
            choose,
            "Who would take a parcel, best first",
            Role.MERCHANT,
            body=ChooseIn,
            answers=Chosen,
        ),
        row("POST", "/v1/carriers/{code}/incident", incident, "Declare or end a strike, a flood", **declaring),
    ]


async def listing(call: Call[None, None]) -> web.StreamResponse:
    async with call.rt.store.read() as tx:
        seen = await _seen(call.rt, tx)
    return whole(call, [await _shown(call.rt, carrier, seen) for carrier in call.rt.carriers.values()])


async def incident(call: Call[IncidentIn, None]) -> web.StreamResponse:
    """The carrier as it is afterwards. 409 when there is no declared incident to end."""
    carrier = call.rt.carriers.get(call.path("code"))
    if carrier is None:
        raise not_found("carrier of this code")
    try:
        if call.body.action == "declare":
            await declare(call.rt, carrier.code, who=call.who, cause=call.body.cause)
        else:
            await end_declared(call.rt, carrier.code, who=call.who)
    except NoSuchIncident as error:
        raise Problem(409, f"no declared incident of {carrier.code} is open") from error
    async with call.rt.store.read() as tx:
        seen = await _seen(call.rt, tx)
    return answer(await _shown(call.rt, carrier, seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the store knows of carriers, by code."""

    health: Mapping[str, Row]
    incidents: Mapping[str, Row]
    pushes: Mapping[str, int]
    polls: Mapping[str, int]
    unknown: Mapping[str, int]


async def _seen(rt: Runtime, tx: Tx) -> _Seen:
    unknown: dict[str, int] = {}
    for code in await mappings.unread(tx, limit=_MOST_CODES):
        unknown[code.carrier] = unknown.get(code.carrier, 0) + 1
    return _Seen(
        health=await health.every(tx),
        incidents={row.carrier: row for row in await incidents.open_ones(tx)},
        pushes=await backlogs.pushes(tx),
        polls=await backlogs.due_polls(tx, rt.clock()),
        unknown=unknown,
    )


async def _shown(rt: Runtime, carrier: Carrier, seen: _Seen) -> dict[str, Any]:
    code, row = carrier.code, seen.health.get(carrier.code)
    pace = rate(carrier)
    pushes, polls = seen.pushes.get(code, 0), seen.polls.get(code, 0)
    return {
        "code": code,
        "name": _name(rt, code),
        "can": [ability.name.lower() for ability in carrier.can if ability.name],
        "circuit": row.circuit if row else "closed",
        "circuit_since": _iso(row.circuit_since if row else None),
        "incident": _incident(seen.incidents.get(code)),
        "last_heard_at": _iso(row.heard_at if row else None),
        "last_pushed_at": _iso(row.pushed_at if row else None),
        "failures": row.failures if row else 0,
        "last_error": row.last_error if row else None,
        "backlog": pushes + polls,
        "queue": {"pushes": pushes, "polls": polls},
        "unknown_codes": seen.unknown.get(code, 0),
        "quota": {
            "used": await rt.limits.used(account(carrier), pace),
            "limit": pace.calls,
            "seconds": pace.seconds,
        },
    }


def _incident(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("id", "kind", "cause", "who")
    return {**{name: getattr(row, name) for name in names}, "opened_at": _iso(row.opened_at)}


async def choose(call: Call[ChooseIn, None]) -> web.StreamResponse:
    """Nothing is booked. The same order chooses the same, where routes draw by weight or a circuit is probed."""
    _check_asked(call)
    facts = _facts(call.body)
    async with call.rt.store.read() as tx:
        found = await candidates(call.rt, tx)
    choice = rules.choose(facts, call.rt.policies.routes, found, call.rt.clock())
    return answer(_chosen(call.rt, choice, {one.carrier: one for one in found}))


def _check_asked(call: Call[ChooseIn, None]) -> None:
    asked = call.body.carrier
    if asked is not None and asked not in call.rt.carriers:
        reason = f"there is no carrier {asked}: one of {', '.join(call.rt.carriers)}"
        raise Problem(422, "cannot be accepted: carrier", errors=[("carrier", reason)])


def _facts(body: ChooseIn) -> ParcelFacts:
    return ParcelFacts(
        key=body.order_id or new_id("chc"),
        carrier=body.carrier or "",
        origin=lane_end(body.origin.model_dump()),
        destination=lane_end(body.destination.model_dump()),
        service=body.service,
        weight_g=body.parcel.weight_g,
        value=body.value.amount if body.value else None,
    )


def _chosen(rt: Runtime, choice: Choice, by_code: Mapping[str, Candidate]) -> dict[str, Any]:
    def state(code: str) -> dict[str, Any]:
        known = by_code.get(code)
        return {"circuit": known.circuit if known else None, "incident": known.incident if known else False}

    return {
        "carriers": [
            {
                "carrier": one.carrier,
                "name": _name(rt, one.carrier),
                "service": one.service,
                "reasons": list(one.reasons),
                **state(one.carrier),
            }
            for one in choice.ranked
        ],
        "skipped": [
            {"carrier": one.carrier, "name": _name(rt, one.carrier), "why": one.why, **state(one.carrier)}
            for one in choice.skipped
        ],
        "route": None
        if choice.route is None
        else {
            "id": choice.route.id,
            "mode": choice.route.mode,
            "backups": [backup.carrier for backup in choice.route.backups],
        },
    }


def _name(rt: Runtime, code: str) -> str:
    """In the shop's own language; a carrier that is not configured is shown by its code."""
    return rt.carriers[code].name(rt.policies.messages.languages[0]) if code in rt.carriers else code


def _iso(at: Any) -> str | None:
    return None if at is None else str(at.isoformat())
