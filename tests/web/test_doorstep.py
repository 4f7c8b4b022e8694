"""What is answered before any routing, and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestClient

from gateway.store.engine import Store
from gateway.web.doorstep import shorten
from tests.web.parts import Gate

ONE = "/v1/tracking/SF1234567890"
alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def doorstep(face: Gate) -> AsyncIterator[TestClient[Any, Any]]:
    """The doorstep of a gateway behind which there is nobody: what needs the door is answered 418."""

    async def inside(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=418)

    async with RawTestServer(inside) as server, TestClient(server) as client:
        assert server.runner is not None and server.runner.server is not None
        shorten(server.runner.server, face.rt, face.desk)
        yield client


async def status(
    face: Gate, client: TestClient[Any, Any], path: str = ONE, *, method: str = "GET", **headers: str
) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Authorization": f"Bearer {face.keys['storefront']}", **named}
    async with client.request(method, path, headers=given) as response:
        return response.status


@alone
async def test_it_answers_what_the_door_answers(face: Gate) -> None:
    await face.shipment()
    door = await face.get(ONE, role="storefront")
    async with doorstep(face) as client:
        own = {"Authorization": f"Bearer {face.keys['storefront']}"}
        again = await client.get(ONE, headers=own)
        assert (again.status, await again.read()) == (200, await door.read())
        assert {**again.headers, "Date": ""} == {**door.headers, "Date": ""}
        same = await client.get(ONE, headers={**own, "If-None-Match": door.headers["ETag"]})
        assert (same.status, await same.read(), same.headers["ETag"]) == (304, b"", door.headers["ETag"])
    counted = 'gateway_http_answers_total{method="GET",route="/v1/tracking/{number}",status="304"} 1\n'
    assert counted in await (await face.get("/metrics")).text()


@alone
@pytest.mark.parametrize(
    "request_",
    [
        {"path": "/v1/tracking/SF9999999999"},
        {"path": "/v1/tracking/SF-1234567890"},
        {"path": f"{ONE}?locale=en"},
        {"path": f"{ONE}/live"},
        {"path": "/v1/tracking/"},
        {"method": "HEAD"},
        {"method": "DELETE"},
        {"Connection": "close"},
        {"Authorization": "Bearer gw_somebody_else"},
        {"Authorization": ""},
    ],
    ids=str,
)
async def test_what_does_not_lie_ready_goes_through_the_door(face: Gate, request_: dict[str, str]) -> None:
    await face.shipment()
    await face.get(ONE, role="storefront")
    async with doorstep(face) as client:
        assert await status(face, client) == 200
        assert await status(face, client, **request_) == 418


@alone
async def test_what_has_changed_is_read_anew(face: Gate) -> None:
    await face.shipment()
    await face.get("/v1/tracking/SF0", role="storefront")  # the key is known from here on
    async with doorstep(face) as client:
        for pushed in ("picked_up", "in_transit"):
            assert await status(face, client) == 200
            await face.pushed(["SF1234567890", 0, pushed])
            own = {"Authorization": f"Bearer {face.keys['storefront']}"}
            assert (await (await client.get(ONE.replace("SF1", "Sf1"), headers=own)).json())["status"] == pushed


@alone
async def test_a_number_of_two_carriers_and_a_store_that_is_broken(face: Gate, store: Store) -> None:
    await face.shipment()
    await face.shipment(carrier="zto", order_id="SO-2")
    await face.get("/v1/tracking/SF0", role="storefront")
    async with doorstep(face) as client:
        assert await status(face, client) == 300
        face.rt.cache.clear()
        async with store.write() as tx:
            await tx.conn.exec_driver_sql("ALTER TABLE legs RENAME TO elsewhere")
        assert await status(face, client) == 500


@alone
async def test_a_key_that_has_to_be_looked_up_goes_through_the_door(face: Gate) -> None:
    await face.shipment()
    await face.get(ONE, role="storefront")
    async with doorstep(face) as client:
        face.desk.keyring.forget()
        assert await status(face, client) == 418
