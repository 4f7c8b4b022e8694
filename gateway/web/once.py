"""Idempotency-Key: the first answer for a key, whoever asks again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from gateway.runtime import Runtime
from gateway.store import idempotency
from gateway.web.problem import Problem

_LONGEST = 255
#: A first call that has not ended after this never will: its process died. What it did is idempotent by itself.
_ABANDONED = timedelta(minutes=2)
_HEADER = "Idempotency-Key"


async def first_answer(
    rt: Runtime, scope: str, key: str, body: bytes, work: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The work's answer, kept; or the one that was kept. scope: whose key it is and for what.

    Raise 422 when the key came with another body before, 409 while the first call is under way.
    """
    if len(key) > _LONGEST:
        raise Problem(422, f"{_HEADER} is too long", errors=[(_HEADER, f"at most {_LONGEST} characters")])
    name = hashlib.sha256(f"{scope}|{key}".encode("utf-8", "surrogateescape")).hexdigest()
    body_hash = hashlib.sha256(body).hexdigest()
    now = rt.clock()
    async with rt.store.write() as tx:
        first = await idempotency.begin(tx, name, body_hash, now, abandoned=now - _ABANDONED)
    if first is not None:
        return _again(first.body_hash == body_hash, first.status, first.answer)
    try:
        response = await work()
    except BaseException:
        async with rt.store.write() as tx:
            await idempotency.forget(tx, name)
        raise
    if isinstance(response, web.Response):
        async with rt.store.write() as tx:
            await idempotency.answer(tx, name, response.status, bytes(response.body or b""))  # type: ignore[arg-type]
    return response


def _again(same: bool, status: int | None, body: bytes | None) -> web.Response:
    if not same:
        raise Problem(422, f"this {_HEADER} was used with another body", errors=[(_HEADER, "used with another body")])
    if status is None:
        raise Problem(409, f"the first call with this {_HEADER} is still under way", headers={"Retry-After": "5"})
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"Idempotent-Replayed": "true"}
    )
