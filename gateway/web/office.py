"""What operators look things up in: coupons, messages, the audit, keys."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from gateway.remedies.view import grant_view
from gateway.store import audit, keys, ledger, messages
from gateway.store.rows import Row
from gateway.tracking.register import UnknownShipment
from gateway.tracking.watching import erase
from gateway.web.auth import Role, new_key
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import Page, number_cursor, page, time_cursor, time_key, whole
from gateway.web.models.office import Audit, Coupons, Keys, Messages, NewKey
from gateway.web.models.operators import CouponQuery, KeyIn, MessageQuery
from gateway.web.problem import Problem, not_found


def endpoints() -> list[Endpoint]:
    def row(
        method: str, path: str, handler: Any, summary: str, model: Any, role: Role = Role.OPS, **more: Any
    ) -> Endpoint:
        return Endpoint(
            method=method,
            path=path,
            handler=handler,
            role=role,
            summary=summary,
            tag="office",
            answers=model,
            lists=method == "GET",
            **more,
        )

    return [
        row("GET", "/v1/coupons", list_coupons, "The ledger, newest first", Coupons, Role.MERCHANT, query=CouponQuery),
        row("GET", "/v1/messages", list_messages, "What was said, and what came of it", Messages, query=MessageQuery),
        row("GET", "/v1/audit", list_audit, "Who changed what", Audit, query=Page),
        row("GET", "/v1/keys", list_keys, "Keys, without the keys", Keys, Role.ADMIN),
        row("POST", "/v1/keys", make_key, "Make a key; it is shown once", NewKey, Role.ADMIN, body=KeyIn, status=201),
        row("DELETE", "/v1/keys/{id}", revoke_key, "Revoke a key", None, Role.ADMIN, status=204),
        row(
            "DELETE",
            "/v1/shipments/{id}/recipient",
            erase_person,
            "Erase whom a shipment was for; its journey stays",
            None,
            Role.ADMIN,
            status=204,
        ),
    ]


async def list_coupons(call: Call[None, CouponQuery]) -> web.StreamResponse:
    query = call.query
    async with call.rt.store.read() as tx:
        rows = await ledger.listing(
            tx,
            limit=query.limit + 1,
            state=query.state,
            order_id=query.order_id,
            before=time_cursor(query.cursor),
        )
    return page(call, [grant_view(row) for row in rows], [time_key(row.issued_at, row.id) for row in rows], query.limit)


async def list_messages(call: Call[None, MessageQuery]) -> web.StreamResponse:
    query = call.query
    wanted = query.model_dump(exclude={"limit", "cursor"})
    async with call.rt.store.read() as tx:
        rows = await messages.listing(tx, limit=query.limit + 1, before=time_cursor(query.cursor), **wanted)
    return page(call, [message(row) for row in rows], [time_key(row.created_at, row.id) for row in rows], query.limit)


def message(row: Row) -> dict[str, Any]:
    """Without the address: that is a person's."""
    names = ("id", "channel", "notifier", "template", "locale", "state", "reason", "order_id", "shipment_id", "case_id")
    return {
        **{name: getattr(row, name) for name in names},
        "kind": row.kind,
        "provider_id": row.provider_id,
        "created_at": _iso(row.created_at),
        "sent_at": _iso(row.sent_at),
        "updated_at": _iso(row.updated_at),
    }


async def list_audit(call: Call[None, Page]) -> web.StreamResponse:
    query = call.query
    async with call.rt.store.read() as tx:
        rows = await audit.listing(tx, limit=query.limit + 1, before=number_cursor(query.cursor))
    items = [
        {
            "id": row.id,
            "at": _iso(row.at),
            "who": row.who,
            "what": row.what,
            "subject": row.subject,
            "detail": row.detail,
        }
        for row in rows
    ]
    return page(call, items, [row.id for row in rows], query.limit)


async def list_keys(call: Call[None, None]) -> web.StreamResponse:
    async with call.rt.store.read() as tx:
        rows = await keys.listing(tx)
    return whole(call, [_key(row) for row in rows])


async def make_key(call: Call[KeyIn, None]) -> web.StreamResponse:
    now = call.rt.clock()
    async with call.rt.store.write() as tx:
        key_id, key = await new_key(tx, Role.named(call.body.role), call.body.label, now)
        await audit.add(tx, now, call.who, "key.make", key_id, call.body.model_dump())
    body = {"id": key_id, "role": call.body.role, "label": call.body.label, "created_at": _iso(now), "key": key}
    return answer(body, status=201)


async def revoke_key(call: Call[None, None]) -> web.StreamResponse:
    now = call.rt.clock()
    async with call.rt.store.write() as tx:
        row = await keys.revoke(tx, call.path("id"), now)
        if row is None:
            raise not_found("live key of this id")
        if not await keys.any_admin(tx):
            raise Problem(409, "this is the last key of an admin: make another one first")
        await audit.add(tx, now, call.who, "key.revoke", row.id, {"label": row.label})
        tx.after_commit(call.desk.keyring.forget)
        tx.after_commit(partial(call.rt.signals.publish, "keys"))
    return web.Response(status=204)


def _key(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": row.role,
        "label": row.label,
        "created_at": _iso(row.created_at),
        "revoked_at": _iso(row.revoked_at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


async def erase_person(call: Call[None, None]) -> web.StreamResponse:
    """204, also when it was erased before: people, addresses, what carriers wrote of them, raw pushes."""
    try:
        async with call.rt.store.write() as tx:
            await erase(call.rt, tx, call.path("id"), call.who)
    except UnknownShipment as error:
        raise not_found("shipment of this id") from error
    return web.Response(status=204)
