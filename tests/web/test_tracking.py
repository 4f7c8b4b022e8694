"""What storefronts read."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import event

from gateway.signals import Signals
from gateway.store.engine import Store
from tests.web.parts import Gate, fits, problem

ONE = "/v1/tracking/{number}"
PERSON: dict[str, Any] = {
    "recipient": {"name": "王小明", "phone": "+8613800138000", "email": "someone@example.com"},
    "destination": {"country": "CN", "region": "Guangdong", "address": "南山路 1 号"},
}


async def test_a_storefront_reads_a_parcel_without_the_person(face: Gate) -> None:
    await face.shipment(**PERSON)
    await face.pushed(["SF1234567890", -2, "picked_up"], ["SF1234567890", -1, "in_transit"])
    response = await face.get("/v1/tracking/SF1234567890", role="storefront")
    assert response.status == 200
    tracking = await response.json()
    fits("GET", ONE, tracking)
    assert tracking["status"] == "in_transit"
    assert tracking["carrier"] == {"code": "sf", "name": "sf快递"}
    assert [scan["status"] for scan in tracking["legs"][0]["scans"]] == ["in_transit", "picked_up"]
    text = await response.text()
    assert not [secret for secret in ("王小明", "13800138000", "someone@example.com", "南山路") if secret in text]


async def test_a_number_may_be_written_with_spaces_slashes_and_in_small_letters(face: Gate) -> None:
    await face.shipment("AB/12-34 CN")
    assert (await face.get("/v1/tracking/ab%2F12-34%20cn")).status == 200


async def test_whoever_has_the_bytes_is_told_so(face: Gate) -> None:
    await face.shipment()
    first = await face.get("/v1/tracking/SF1234567890")
    etag = first.headers["ETag"]
    assert "private" in first.headers["Cache-Control"]
    assert "Accept-Encoding" in first.headers["Vary"]
    for known in (etag, f'"other", {etag}', f"W/{etag.removeprefix('W/')}", "*"):
        again = await face.get("/v1/tracking/SF1234567890", headers={"If-None-Match": known})
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"].endswith(etag.removeprefix("W/"))
    await face.pushed(["SF1234567890", 0, "picked_up"])
    moved = await face.get("/v1/tracking/SF1234567890", headers={"If-None-Match": etag})
    assert (moved.status, (await moved.json())["status"]) == (200, "picked_up")


async def test_gzip_only_for_those_who_take_it(face: Gate) -> None:
    await face.shipment()
    await face.pushed(*(["SF1234567890", -hour, "in_transit"] for hour in range(1, 20)))

    async def encoded(accepted: str) -> tuple[str | None, bytes]:
        headers = {"Accept-Encoding": accepted}
        response = await face.get("/v1/tracking/SF1234567890", headers=headers, auto_decompress=False)
        return response.headers.get("Content-Encoding"), await response.read()

    plain = await encoded("identity")
    assert plain[0] is None
    for accepted in ("gzip", "br, GZIP;q=0.5", "*"):
        encoding, body = await encoded(accepted)
        assert (encoding, gzip.decompress(body)) == ("gzip", plain[1])
    assert (await encoded("gzip;q=0"))[0] is None


async def test_a_reader_gets_a_language(face: Gate) -> None:
    await face.shipment()

    async def words(query: str = "", accepted: str | None = None) -> tuple[str, str, str]:
        headers = {"Accept-Language": accepted} if accepted else {}
        response = await face.get(f"/v1/tracking/SF1234567890{query}", headers=headers)
        found = await response.json()
        return response.headers["Content-Language"], found["status_text"], found["carrier"]["name"]

    chinese, english = ("zh-CN", "待揽收", "sf快递"), ("en", "Waiting for pickup", "SF")
    assert await words() == chinese
    assert await words("?locale=en") == english
    assert await words("?locale=en-GB", "zh-CN") == english
    assert await words("", "fr-FR, en;q=0.8, zh-CN;q=0.5") == english
    assert await words("", "en;q=0.2, zh-TW;q=0.9") == chinese
    assert await words("", "fr, *;q=0.1, de;q=nonsense") == chinese
    await problem(await face.get("/v1/tracking/SF1234567890?locale=not%20one"), 422, "locale")


async def test_a_number_of_two_carriers_is_answered_with_the_candidates(face: Gate) -> None:
    await face.shipment("SAME1", "sf")
    await face.shipment("SAME1", "zto")
    response = await face.get("/v1/tracking/SAME1")
    assert response.status == 300
    candidates = await response.json()
    fits("GET", ONE, candidates, 300)
    assert {one["carrier"] for one in candidates["candidates"]} == {"sf", "zto"}
    assert (await (await face.get("/v1/tracking/SAME1?carrier=zto")).json())["carrier"]["code"] == "zto"
    await problem(await face.get("/v1/tracking/SAME1/live"), 300)


async def test_what_nobody_registered_is_not_found(face: Gate) -> None:
    await face.shipment()
    await problem(await face.get("/v1/tracking/NOBODY1"), 404)
    await problem(await face.get("/v1/tracking/NOBODY1/live"), 404)
    await problem(await face.get("/v1/tracking/%00"), 404)
    await problem(await face.get("/v1/tracking/SF1234567890?carrier=zto"), 404)
    await problem(await face.get("/v1/orders/SO-404/tracking"), 404)
    await problem(await face.get("/v1/tracking/SF1234567890?langage=en"), 422, "langage")


async def test_several_numbers_at_once(face: Gate) -> None:
    for number, carrier in (("A001", "sf"), ("B002", "zto"), ("SAME1", "sf"), ("SAME1", "zto")):
        await face.shipment(number, carrier)
    response = await face.get("/v1/tracking?numbers=A001,%20B002,,A001,NOBODY1,SAME1", role="storefront")
    found = await response.json()
    fits("GET", "/v1/tracking", found)
    assert [one["tracking_number"] for one in found["items"]] == ["A001", "B002"]
    assert found["not_found"] == ["NOBODY1"]
    assert [one["number"] for one in found["ambiguous"]] == ["SAME1"]
    nothing = await (await face.get("/v1/tracking?numbers=NOBODY1")).json()
    assert nothing == {"items": [], "not_found": ["NOBODY1"], "ambiguous": []}


@pytest.mark.parametrize("query", ["", "?numbers=", "?numbers=,,", "?numbers=" + ",".join(f"N{n}" for n in range(101))])
async def test_too_many_numbers_or_none(face: Gate, query: str) -> None:
    await problem(await face.get(f"/v1/tracking{query}"), 422, "numbers")


async def test_every_parcel_of_an_order(face: Gate) -> None:
    await face.shipment("A001", order_id="SO/7")
    await face.shipment("B002", "zto", order_id="SO/7")
    found = await (await face.get("/v1/orders/SO%2F7/tracking", role="storefront")).json()
    fits("GET", "/v1/orders/{order_id}/tracking", found)
    assert [one["tracking_number"] for one in found["items"]] == ["A001", "B002"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_number_that_was_read_a_moment_ago_costs_no_sql(face: Gate, store: Store) -> None:
    await face.shipment()
    await face.get("/v1/tracking/SF1234567890?locale=en")
    asked: list[str] = []
    event.listen(store.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(3):
        assert (await face.get("/v1/tracking/SF1234567890?locale=en")).status == 200
    assert asked == []


async def events(response: ClientResponse) -> Any:
    """The events of a stream, as (id, data); comments are signs of life and stand as None."""
    number, data = "", ""
    async for line in response.content:
        text = line.decode().rstrip("\n")
        if text.startswith("id: "):
            number = text[4:]
        elif text.startswith("data: "):
            data = text[6:]
        elif text.startswith(":"):
            yield None
        elif not text and data:
            yield int(number), json.loads(data)
            number, data = "", ""


async def told(stream: Any) -> tuple[int, dict[str, Any]]:
    """The next event that is not a sign of life."""
    async with asyncio.timeout(10):
        while (found := await anext(stream)) is None:
            pass
    return found  # type: ignore[no-any-return]


async def test_a_live_reader_is_told_at_once_and_at_each_change(face: Gate) -> None:
    await face.shipment()
    response = await face.get("/v1/tracking/SF1234567890/live?locale=en", role="storefront")
    assert response.content_type == "text/event-stream"
    stream = events(response)
    first, tracking = await told(stream)
    fits("GET", ONE, tracking)
    assert (tracking["sequence"], tracking["status_text"]) == (first, "Waiting for pickup")
    await face.pushed(["SF1234567890", 0, "picked_up"])
    second, tracking = await told(stream)
    assert second > first
    assert tracking["status"] == "picked_up"
    response.close()


async def test_a_live_reader_resumes_where_it_was(face: Gate) -> None:
    await face.shipment()
    before = (await told(events(await face.get("/v1/tracking/SF1234567890/live"))))[0]
    known = {"Last-Event-ID": str(before)}
    up_to_date = events(await face.get("/v1/tracking/SF1234567890/live", headers=known))
    assert await anext(up_to_date) is None
    await face.pushed(["SF1234567890", 0, "picked_up"])
    assert (await told(up_to_date))[0] > before
    behind = events(await face.get("/v1/tracking/SF1234567890/live", headers=known))
    assert (await told(behind))[0] > before
    for nonsense in ("nonsense", "99999999999999999999999", "-1"):
        headers = {"Last-Event-ID": nonsense}
        assert await told(events(await face.get("/v1/tracking/SF1234567890/live", headers=headers)))


async def test_a_live_reader_hears_that_we_are_there_and_ends_with_its_key(face: Gate) -> None:
    face.desk.heartbeat = 0.02
    await face.shipment()
    stream = events(await face.get("/v1/tracking/SF1234567890/live", role="storefront"))
    await told(stream)
    assert await anext(stream) is None
    keys = (await (await face.get("/v1/keys")).json())["items"]
    (mine,) = [key["id"] for key in keys if key["role"] == "storefront"]
    assert (await face.ask("DELETE", f"/v1/keys/{mine}")).status == 204
    async with asyncio.timeout(10):
        assert [one async for one in stream if one is not None] == []


class Listened(Signals):
    """Says when a listener has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    @contextmanager
    def listen(self, shipment_id: str) -> Iterator[asyncio.Queue[int]]:
        try:
            with super().listen(shipment_id) as queue:
                yield queue
        finally:
            self.gone.set()


async def test_a_live_reader_ends_with_the_process(face: Gate) -> None:
    face.rt.signals = signals = Listened()
    await face.shipment()
    stream = events(await face.get("/v1/tracking/SF1234567890/live"))
    await told(stream)
    face.desk.closing.set()  # what the application does when it shuts down
    async with asyncio.timeout(10):
        assert [one async for one in stream if one is not None] == []
        await signals.gone.wait()


async def test_a_live_reader_who_hangs_up_leaves_nothing_behind(face: Gate) -> None:
    face.rt.signals, face.desk.heartbeat = (signals := Listened()), 0.01
    await face.shipment()
    response = await face.get("/v1/tracking/SF1234567890/live")
    await told(events(response))
    response.close()
    async with asyncio.timeout(10):
        await signals.gone.wait()
