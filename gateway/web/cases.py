"""The queue of cases, and what operators do with one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gateway.cases import actions
from gateway.cases.report import Report, report_exception
from gateway.cases.view import brief, load_case
from gateway.store import cases
from gateway.store.cases import Wanted
from gateway.web.auth import Role
from gateway.web.endpoint import Call, Endpoint, answer
from gateway.web.listing import page, time_cursor, time_key
from gateway.web.models.office import Case, Cases
from gateway.web.models.operators import AnswerIn, AssignIn, CaseQuery, CommentIn, ExceptionIn, NoteIn
from gateway.web.problem import Problem, not_found

Deed = Callable[..., Awaitable[None]]

#: action -> (what the body must look like, what is done)
_ACTIONS: dict[str, tuple[Any, Deed]] = {
    "assign": (AssignIn, actions.assign),
    "comment": (CommentIn, actions.comment),
    "approve": (AnswerIn, actions.approve),
    "reject": (AnswerIn, actions.reject),
    "retry": (AnswerIn, actions.retry),
    "resolve": (NoteIn, actions.resolve),
    "reopen": (NoteIn, actions.reopen),
}


def endpoints() -> list[Endpoint]:
    def row(method: str, path: str, handler: Any, summary: str, role: Role = Role.OPS, **more: Any) -> Endpoint:
        return Endpoint(method=method, path=path, handler=handler, role=role, summary=summary, tag="cases", **more)

    listed: dict[str, Any] = {"answers": Cases, "lists": True}
    acts: dict[str, Any] = {"answers": Case, "once": True}
    return [
        row("GET", "/v1/cases", listing, "What went wrong, newest first", Role.MERCHANT, query=CaseQuery, **listed),
        row("GET", "/v1/cases/{id}", show, "One case: evidence, remedies, timeline", Role.MERCHANT, answers=Case),
        *(
            row("POST", f"/v1/cases/{{id}}/{name}", _acting(deed), f"{name.capitalize()} a case", body=body, **acts)
            for name, (body, deed) in _ACTIONS.items()
        ),
        row(
            "POST",
            "/v1/exceptions",
            report,
            "What another system saw go wrong: opens a case",
            Role.MERCHANT,
            body=ExceptionIn,
            status=201,
            also=((200, Case),),
            **acts,
        ),
    ]


async def listing(call: Call[None, CaseQuery]) -> web.StreamResponse:
    query, now = call.query, call.rt.clock()
    wanted = Wanted(**query.model_dump(exclude={"limit", "cursor"}))
    async with call.rt.store.read() as tx:
        rows = await cases.listing(tx, wanted, now=now, limit=query.limit + 1, before=time_cursor(query.cursor))
    keys = [time_key(row.opened_at, row.id) for row in rows]
    return page(call, [brief(row, now) for row in rows], keys, query.limit)


async def show(call: Call[None, None]) -> web.StreamResponse:
    return answer(await _case(call, call.path("id")))


async def report(call: Call[ExceptionIn, None]) -> web.StreamResponse:
    """201 with the new case; 200 with the one that is open already for this order and kind."""
    given = {
        **call.body.model_dump(exclude={"customer"}),
        "customer": call.body.customer.known() if call.body.customer else None,
    }
    async with call.rt.store.write() as tx:
        case_id, opened = await report_exception(call.rt, tx, Report(**given), who=call.who)
    return answer(await _case(call, case_id), status=201 if opened else 200)


async def _case(call: Call[Any, None], case_id: str) -> dict[str, Any]:
    async with call.rt.store.read() as tx:
        found = await load_case(tx, case_id, call.rt.clock())
    if found is None:
        raise not_found("case of this id")
    return found


def _acting(deed: Deed) -> Any:
    async def handler(call: Call[Any, None]) -> web.StreamResponse:
        case_id = call.path("id")
        try:
            await deed(call.rt, case_id, who=call.who, **dict(call.body))
        except actions.NoSuchCase as error:
            raise not_found("case of this id") from error
        except actions.NotPossible as error:
            raise Problem(409, str(error)) from error
        return answer(await _case(call, case_id))

    return handler
