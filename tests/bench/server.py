"""The process under test: the gateway as gateway.app builds it, and its ceilings, all on one uvloop.

Started as `python -m tests.bench.server <database url> <core> <shipments>`; prints one line of JSON, an Address, and
stays until its stdin is closed. Its workers are off: what is measured is the doors, not what is read and sent behind
them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import httpx
import uvloop
from aiohttp import web

from gateway.app import Gateway
from gateway.contract import Push
from gateway.garbage import settle
from gateway.tracking.inbox import Inbox
from gateway.web.app import application
from gateway.web.auth import Keyring, Role, new_key
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from tests.bench.bare import Bare, bare, keep_answers
from tests.bench.fill import fill_store, number
from tests.bench.subject import open_gateway

#: Shipments that are read over and over, of all those in the store.
HOT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """gateway, storeless, static, bare: ports. key: may read. numbers: read before. etags: of their answers, in turn.
    cold: numbers that nobody has read."""

    gateway: int
    storeless: int
    static: int
    bare: int
    key: str
    numbers: list[str]
    etags: list[str]
    cold: list[str]


class Nowhere(Inbox):
    """Keeps nothing and says so at once: what an acknowledgement costs without a store."""

    async def accept(self, carrier: str, push: Push) -> int:
        return 0


async def storefront_key(gateway: Gateway) -> str:
    async with gateway.store.write() as tx:
        _, key = await new_key(tx, Role.STOREFRONT, "bench", gateway.rt.clock())
    return key


async def first_answers(port: int, key: str, numbers: list[str]) -> tuple[bytes, list[str]]:
    """Ask for every number once: the last answer's body, and the ETag of each."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        answers = [(await client.get(f"/v1/tracking/{number}")).raise_for_status() for number in numbers]
    return answers[-1].content, [answer.headers["etag"] for answer in answers]


def static(body: bytes) -> web.Application:
    """The ceiling of reading: aiohttp and bytes that never change."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/static", answer)
    return app


async def listen(app: web.Application) -> tuple[int, Callable[[], Awaitable[None]]]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner.addresses[0][1], runner.cleanup


async def serve(database_url: str, shipments: int) -> None:
    gateway = await open_gateway(database_url)
    await fill_store(gateway.rt, shipments)
    hot = min(HOT, shipments // 2)
    key, numbers = await storefront_key(gateway), [number(place) for place in range(shipments)]
    body, etags = await first_answers(gateway.port, key, numbers[:hot])
    await keep_answers(gateway.store, numbers[hot - 1], body)
    settle()
    os.sync()  # what was filled is on the disk before anything is measured
    desk = Desk(keyring=Keyring(gateway.store), metrics=Metrics(), inbox=Nowhere(gateway.rt))
    storeless, close_storeless = await listen(application(gateway.rt, desk))
    async with bare(gateway.store, database_url) as fetch:
        fetched, close_fetched = await listen(application(gateway.rt, desk, (Bare(fetch),)))
        top, close_top = await listen(static(body))
        address = Address(
            gateway=gateway.port,
            storeless=storeless,
            static=top,
            bare=fetched,
            key=key,
            numbers=numbers[:hot],
            etags=etags,
            cold=numbers[hot:],
        )
        print(json.dumps(asdict(address)), flush=True)  # noqa: T201 - read by whoever started us
        await asyncio.to_thread(sys.stdin.read)
        await close_storeless()
        await close_top()
        await close_fetched()
    await gateway.stop()


def main() -> None:
    database_url, core, shipments = sys.argv[1:4]
    os.sched_setaffinity(0, {int(core)})
    uvloop.run(serve(database_url, int(shipments)))


if __name__ == "__main__":
    main()
