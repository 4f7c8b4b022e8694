"""The customer's page and the widget."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import Source, Status
from gateway.privacy import link_token
from gateway.tracking.record import Heard, record
from gateway.web.pages import FOLDER
from tests.tracking.parts import scan
from tests.web.parts import Gate, problem
from tests.web.test_tracking import events, told


async def link(face: Gate, **more: Any) -> str:
    shipment = await face.shipment(
        recipient={"name": "王小明", "phone": "+8613800138000"},
        destination={"country": "CN", "address": "南山路 1 号"},
        **more,
    )
    token = link_token(face.rt.secret, shipment["id"], face.rt.clock() + timedelta(days=1))
    return f"/t/{token}"


async def test_a_link_opens_one_shipment_without_a_key_and_without_the_person(face: Gate) -> None:
    address = await link(face, promised_at="2026-03-09T18:00:00+08:00")
    await face.pushed(["SF1234567890", -1, "out_for_delivery"])
    response = await face.get(address, role=None)
    page = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    for shown in (
        "派送中",
        "SF1234567890",
        "sf快递",
        "SO-1",
        "out_for_delivery -1",
        "2026年3月9日 18:00",
        'lang="zh-CN"',
    ):
        assert shown in page
    assert not [secret for secret in ("王小明", "13800138000", "南山路") if secret in page]
    english = await (await face.get(address, role=None, headers={"Accept-Language": "en"})).text()
    for shown in ("Out for delivery", "Promised by", "Mar 9, 2026", 'lang="en"'):
        assert shown in english
    assert "Waiting for pickup" in await (await face.get(f"{address}?locale=en", role=None)).text()


async def test_the_page_asks_no_other_host_and_runs_no_foreign_text(face: Gate) -> None:
    address = await link(face)
    said = scan("SF1234567890", text='<script src="//evil.test"></script><img src=x onerror=alert(1)>', place="<b>")
    async with face.rt.store.write() as tx:
        heard = Heard(provider="sf", source=Source.HAND, scan=said, learned_at=face.rt.clock())
        await record(face.rt, tx, [heard])
    response = await face.get(address, role=None)
    page = await response.text()
    assert "&lt;script src=" in page
    assert "<b>" not in page
    assert "onerror=alert" in page and "<img" not in page
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)
    policy = response.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce and page.count(f'nonce="{nonce[1]}"') == 2
    assert "default-src 'none'" in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_that_is_over_or_forged_says_so(face: Gate) -> None:
    address = await link(face)
    forged = address[:-1] + ("A" if address[-1] != "A" else "B")
    for wrong in (forged, "/t/nonsense", "/t/a.b.c", "/t/%E7%89%A9", "/t/..%2F"):
        response = await face.get(wrong, role=None)
        assert (response.status, response.content_type) == (404, "text/html"), wrong
        assert "链接无效" in await response.text()
    await problem(await face.get(f"{forged}/live", role=None), 404)
    face.rt.time.forward(days=2)
    response = await face.get(address, role=None, headers={"Accept-Language": "en"})
    assert response.status == 410
    assert "This link has expired" in await response.text()
    await problem(await face.get(f"{address}/live", role=None), 410)


async def test_the_page_moves_with_the_parcel_until_the_link_is_over(face: Gate) -> None:
    face.desk.heartbeat = 0.02
    address = await link(face)
    response = await face.get(f"{address}/live", role=None)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    stream = events(response)
    first, _ = await told(stream)
    await face.pushed(["SF1234567890", 0, "delivered"])
    second, tracking = await told(stream)
    assert second > first
    assert tracking["status"] == "delivered"
    page = await (await face.get(address, role=None)).text()
    assert f'data-sequence="{second}" data-status="delivered"' in page
    face.rt.time.forward(days=2)
    assert [one async for one in stream if one is not None] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_status_has_a_page(face: Gate) -> None:
    for number, status in enumerate(status for status in Status if status is not Status.INFO):
        address = await link(face, tracking_number=f"SF00{number}")
        await face.pushed([f"SF00{number}", 0, status.value])
        response = await face.get(address, role=None)
        assert response.status == 200
        assert face.rt.words.status("zh-CN", status) in await response.text()


async def test_the_widget_is_one_small_file_for_any_shop(face: Gate) -> None:
    response = await face.get("/widget.js", role=None)
    script = await response.text()
    assert response.content_type == "text/javascript"
    assert len(script) < 4096
    assert "innerHTML" not in script
    known = {"If-None-Match": response.headers["ETag"]}
    assert (await face.get("/widget.js", role=None, headers=known)).status == 304
    page = await face.get(await link(face), role=None)
    assert page.headers["Access-Control-Allow-Origin"] == "*"


def test_both_languages_have_the_same_words() -> None:
    chinese, english = (
        json.loads((Path(FOLDER) / "words" / f"{name}.json").read_text(encoding="utf-8")) for name in ("zh-CN", "en")
    )
    assert chinese.keys() == english.keys()
    used = set(re.findall(r"words\.(\w+)", "".join(file.read_text() for file in FOLDER.glob("*.j2"))))
    assert used <= chinese.keys()
