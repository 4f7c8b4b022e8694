"""The process under test: the gateway as gateway.app builds it, and its ceilings, all on one uvloop.

Started as `python -m tests.bench.server <database url> <core>`; prints one line of JSON, an Address, and stays until
its stdin is closed. Its workers are off: what is measured is the doors, not what is read and sent behind them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import uvloop
from aiohttp import web
from pydantic import SecretStr

from gateway.app import Gateway
from gateway.config import load
from gateway.contract import Push
from gateway.domain import Basis, Scan, Source, Status
from gateway.settings import CarrierRow, Config, Environment
from gateway.tracking.inbox import Inbox
from gateway.tracking.record import Heard, record
from gateway.tracking.register import NewShipment, register
from gateway.web.app import application
from gateway.web.auth import Keyring, Role, new_key
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from tests.bench.wire import APP_KEY, APP_SECRET

_CONFIG = Path(__file__).parents[2] / "config"
#: Parcels that are read in turn, and scans of each: what a shop's customers look at over and over.
PARCELS, SCANS = 200, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """gateway, storeless, static: ports. key: may read. numbers: known. etags: of their answers, in the same order."""

    gateway: int
    storeless: int
    static: int
    key: str
    numbers: list[str]
    etags: list[str]


class Nowhere(Inbox):
    """Keeps nothing and says so at once: what an acknowledgement costs without a store."""

    async def accept(self, carrier: str, push: Push) -> int:
        return 0


def configuration() -> Config:
    """The repository's configuration with one carrier that signs its pushes; its address leads nowhere."""
    settings = {"base_url": "http://127.0.0.1:9", "app_key": APP_KEY, "app_secret": APP_SECRET}
    row = CarrierRow(adapter="zto", name={"zh": "中通快递", "en": "ZTO Express"}, country="CN", settings=settings)
    return load(_CONFIG, {}).model_copy(update={"carriers": {"zto": row}, "notifiers": {}, "channels": {}})


async def open_gateway(database_url: str) -> Gateway:
    """A gateway that answers on a free port."""
    secret = SecretStr("bench-only-bench-only")
    environment = Environment(database_url=database_url, port=0, config=_CONFIG, secret_key=secret, admin_key=secret)
    gateway = Gateway(environment, configuration())
    await gateway.start(workers=False)
    return gateway


async def fill(gateway: Gateway, parcels: int) -> tuple[str, list[str]]:
    """A storefront key, and the numbers of parcels that are under way."""
    rt, numbers = gateway.rt, [f"{73_100_000_000_000 + parcel}" for parcel in range(parcels)]
    async with rt.store.write() as tx:
        _, key = await new_key(tx, Role.STOREFRONT, "bench", rt.clock())
        for number in numbers:
            await register(rt, tx, NewShipment(order_id=f"SO-{number}", carrier="zto", tracking_number=number))
        await record(rt, tx, [heard for number in numbers for heard in _journey(number)])
    return key, numbers


def _journey(number: str) -> list[Heard]:
    start = datetime(2026, 3, 5, 7, 46, tzinfo=UTC)
    return [
        Heard(
            provider="zto",
            source=Source.WEBHOOK,
            learned_at=start + timedelta(hours=hour),
            scan=Scan(
                tracking_number=number,
                at=start + timedelta(hours=hour),
                basis=Basis.CARRIER_ZONE,
                status=Status.IN_TRANSIT,
                carrier_code="push:ARRIVAL",
                text=f"【郑州市】快件已到达【郑州高新区】第{hour}站",
                place="郑州市 郑州高新区",
            ),
        )
        for hour in range(SCANS)
    ]


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


async def _listen(app: web.Application) -> tuple[int, Callable[[], Awaitable[None]]]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner.addresses[0][1], runner.cleanup


async def serve(database_url: str) -> None:
    gateway = await open_gateway(database_url)
    key, numbers = await fill(gateway, PARCELS)
    body, etags = await first_answers(gateway.port, key, numbers)
    desk = Desk(keyring=Keyring(gateway.store), metrics=Metrics(), inbox=Nowhere(gateway.rt))
    storeless, close_storeless = await _listen(application(gateway.rt, desk))
    ceiling, close_ceiling = await _listen(static(body))
    address = Address(gateway=gateway.port, storeless=storeless, static=ceiling, key=key, numbers=numbers, etags=etags)
    print(json.dumps(asdict(address)), flush=True)  # noqa: T201 - read by whoever started us
    await asyncio.to_thread(sys.stdin.read)
    await close_storeless()
    await close_ceiling()
    await gateway.stop()


def main() -> None:
    database_url, core = sys.argv[1:3]
    os.sched_setaffinity(0, {int(core)})
    uvloop.run(serve(database_url))


if __name__ == "__main__":
    main()
