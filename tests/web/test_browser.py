"""The customer's page and the widget in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.web.browser import browser
from tests.web.parts import Gate
from tests.web.test_pages import link

pytestmark = [pytest.mark.parametrize("database_url", ["sqlite"], indirect=True), pytest.mark.timeout(120)]


@asynccontextmanager
async def shop(gateway: str, link: str) -> AsyncIterator[str]:
    """A shop on another origin that carries the widget."""
    page = f"""<!doctype html><style>h1{{color:red}}</style><h1>Shop</h1><div id="here"></div>
    <script src="{gateway}/widget.js" data-link="{link}" data-locale="en" data-into="#here"></script>"""

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def test_the_page_moves_with_the_parcel(face: Gate) -> None:
    address = await link(face)
    async with browser() as page:
        await page.open(f"{face.client.make_url(address)}?locale=en")
        await page.until("document.querySelector('main')?.dataset.status === 'pre_transit'")
        await page.ask("window.mark = 1")
        await face.pushed(["SF1234567890", -1, "out_for_delivery"])
        await page.until("document.querySelector('main')?.dataset.status === 'out_for_delivery'")
        assert await page.ask("window.mark") == 1, "the page was not loaded anew"
        assert await page.ask("document.querySelector('h1').textContent") == "Out for delivery"
        assert "Out for delivery" in await page.ask("document.title")
        assert await page.ask("document.querySelectorAll('.steps .reached').length") == 3
        color = await page.ask("getComputedStyle(document.querySelector('.steps .reached')).borderTopColor")
        assert color in {"rgb(11, 122, 75)", "rgb(76, 195, 138)"}, "its style is allowed to apply"
        assert await page.ask(
            "performance.getEntriesByType('resource').every(one => one.name.startsWith(location.origin))"
        )


async def test_a_shop_shows_the_same_in_its_own_page(face: Gate) -> None:
    address = await link(face)
    gateway = str(face.client.make_url("/")).rstrip("/")
    inside = "document.querySelector('#here').shadowRoot"
    async with shop(gateway, f"{gateway}{address}") as shown, browser() as page:
        await page.open(shown)
        await page.until(f"{inside}?.querySelector('main')?.dataset.status === 'pre_transit'")
        await face.pushed(["SF1234567890", 0, "delivered"])
        await page.until(f"{inside}.querySelector('main').dataset.status === 'delivered'")
        assert await page.ask(f"{inside}.querySelector('h1').textContent") == "Delivered"
        assert await page.ask(f"getComputedStyle({inside}.querySelector('h1')).color") != "rgb(255, 0, 0)"
        assert await page.ask("getComputedStyle(document.querySelector('h1')).color") == "rgb(255, 0, 0)"
    face.rt.time.forward(days=2)
    async with shop(gateway, f"{gateway}{address}") as shown, browser() as page:
        await page.open(shown)
        await page.until(f"{inside}?.querySelector('h1')?.textContent === 'This link has expired'")
