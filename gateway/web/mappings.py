"""Codes that nobody has read yet, and pushes that could not be."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.contract import Meaning
from gateway.runtime import Runtime
from gateway.store import inbox, mappings
from gateway.store.rows import Row
from gateway.tracking.inbox import StillWaiting, UnknownPush, replay
from gateway.tracking.mappings import set_mapping
from gateway.web import receipts
from gateway.web.auth import Role
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import Page, number_cursor, page
from gateway.web.models.carriers import InboxItem, InboxItems, Mapping, UnmappedCodes
from gateway.web.models.operators import InboxQuery, MappingIn
from gateway.web.problem import Problem, not_found

_LARGEST_ID = (1 << 63) - 1


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str, model: Any, **more: Any) -> Endpoint:
        return Endpoint(
            method=method,
            path=path,
            handler=handler,
            role=Role.OPS,
            summary=summary,
            tag="mappings",
            answers=model,
            **more,
        )

    code = "/v1/mappings/{carrier}/{carrier_code:.*}"
    return [
        row("GET", "/v1/mappings/unmapped", unmapped, "Unknown codes", UnmappedCodes, query=Page, lists=True),
        row("PUT", code, write, "Say what a code means: history is read again with it", Mapping, body=MappingIn),
        row("GET", "/v1/inbox", listing, "Raw pushes, newest first", InboxItems, query=InboxQuery, lists=True),
        row("POST", "/v1/inbox/{id}/replay", again, "Read a push again; nobody is told", InboxItem, once=True),
    ]


async def unmapped(call: Call[None, Page]) -> web.StreamResponse:
    """The most frequent first. The cursor counts them: it holds as long as none of them is mapped."""
    query, start = call.query, number_cursor(call.query.cursor) or 0
    async with call.rt.store.read() as tx:
        rows = (await mappings.unread(tx, limit=start + query.limit + 1))[start:]
    keys = range(start + 1, start + len(rows) + 1)
    return page(call, [_unmapped(row) for row in rows], keys, query.limit)


def _unmapped(row: Row) -> dict[str, Any]:
    return {
        "carrier": row.carrier,
        "carrier_code": row.carrier_code,
        "count": row.count,
        "first_seen": row.first_seen.isoformat(),
        "last_seen": row.last_seen.isoformat(),
        "samples": row.samples,
    }


async def write(call: Call[MappingIn, None]) -> web.StreamResponse:
    """In force at once; audited."""
    carrier, code = call.path("carrier"), call.path("carrier_code")
    if carrier not in call.rt.carriers:
        raise not_found(f"carrier {carrier}")
    if not code:
        raise Problem(422, "cannot be accepted: carrier_code", errors=[("carrier_code", "is needed")])
    body = call.body
    async with call.rt.store.write() as tx:
        await set_mapping(call.rt, tx, carrier, code, Meaning(body.status, body.reason), call.who)
    return answer({"carrier": carrier, "carrier_code": code, "status": body.status, "reason": body.reason})


async def listing(call: Call[None, InboxQuery]) -> web.StreamResponse:
    query = call.query
    async with call.rt.store.read() as tx:
        rows = await inbox.listing(
            tx,
            state=query.state,
            carrier=query.carrier,
            limit=query.limit + 1,
            before=number_cursor(query.cursor),
        )
    return page(call, [_kept(row, row.bytes) for row in rows], [row.id for row in rows], query.limit)


async def again(call: Call[None, None]) -> web.StreamResponse:
    """The push as it stands afterwards: read, or still quarantined with the reason. 409 before it was read once."""
    row = await _push(call.rt, call.path("id"))
    if row.carrier.startswith(receipts.KEPT_AS):
        await receipts.reread(call.rt, row)
    else:
        try:
            await replay(call.rt, row.id)
        except UnknownPush as error:
            raise not_found("push of this id") from error
        except StillWaiting as error:
            raise Problem(409, "this push waits to be read for the first time") from error
    after = await _push(call.rt, call.path("id"))
    return answer(_kept(after, len(after.body)))


async def _push(rt: Runtime, given: str) -> Row:
    if not (given.isascii() and given.isdecimal() and len(given) < 20 and int(given) <= _LARGEST_ID):
        raise not_found("push of this id")
    async with rt.store.read() as tx:
        row = await inbox.get(tx, int(given))
    if row is None:
        raise not_found("push of this id")
    return row


def _kept(row: Row, size: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "carrier": row.carrier,
        "received_at": row.received_at.isoformat(),
        "state": row.state,
        "reason": row.reason,
        "bytes": size,
    }
