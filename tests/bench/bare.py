"""What the bare driver makes of a read: the very bytes of each answer, in a table, fetched by their number.

They are handed out by the gateway's own door: routing, key, query, language, ETag and headers are the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from types import ModuleType
from typing import Any

import aiosqlite
import asyncpg
from aiohttp import hdrs, web
from sqlalchemy import text

from gateway.cache import Rendered
from gateway.store.engine import Store
from gateway.web import tracking
from gateway.web.conditional import conditional
from gateway.web.endpoint import Endpoint
from gateway.web.language import language
from tests.bench.fill import PATIENCE

#: The bytes of a number's answer.
Fetch = Callable[[str], Awaitable[bytes]]
_BYTES = {"sqlite": "CAST({} AS BLOB)", "postgresql": "convert_to({}, 'UTF8')"}
_KIND = {"sqlite": "BLOB", "postgresql": "BYTEA"}


async def keep_answers(store: Store, number: str, body: bytes) -> None:
    """Have the answer of every number at hand, made of that of one."""
    async with store.write(within=PATIENCE) as tx:
        made = f"CREATE TABLE bench_answers (number VARCHAR(64) PRIMARY KEY, body {_KIND[tx.dialect]} NOT NULL)"
        await tx.conn.execute(text(made))
        told = _BYTES[tx.dialect].format("replace(CAST(:body AS TEXT), CAST(:number AS TEXT), tracking_number)")
        copied = text(f"INSERT INTO bench_answers SELECT tracking_number, {told} FROM legs")
        await tx.conn.execute(copied, {"body": body.decode(), "number": number})


@asynccontextmanager
async def bare(store: Store, database_url: str) -> AsyncIterator[Fetch]:
    """By aiosqlite or asyncpg, with nothing in between."""
    if store.file is None:
        async with asyncpg.create_pool(database_url, min_size=8, max_size=8) as pool:

            async def of_postgresql(number: str) -> bytes:
                found: bytes = await pool.fetchval("SELECT body FROM bench_answers WHERE number = $1", number)
                return found

            yield of_postgresql
        return
    async with aiosqlite.connect(store.file, isolation_level=None) as connection:
        await connection.execute("PRAGMA cache_size=-65536")

        async def of_sqlite(number: str) -> bytes:
            asked = "SELECT body FROM bench_answers WHERE number = ?"
            found: bytes = next(iter(await connection.execute_fetchall(asked, (number,))))[0]
            return found

        yield of_sqlite


class Bare(ModuleType):
    """The door of `gateway.web.tracking`, with another read behind it."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__("bare")
        self._fetch = fetch

    def endpoints(self) -> list[Endpoint]:
        (own,) = (one for one in tracking.endpoints() if one.path == tracking.ONE)
        return [replace(own, handler=self._show)]

    async def _show(self, call: Any) -> web.StreamResponse:
        reader = language(call.rt, call.query.locale, call.request.headers.get(hdrs.ACCEPT_LANGUAGE))
        body = await self._fetch(call.path("number"))
        rendered = Rendered(status=200, etag=f'"{sha256(body).hexdigest()[:20]}"', body=body)
        return conditional(call.request, rendered, reader)
