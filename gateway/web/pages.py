"""The page a customer sees, opened by a signed link, and the script that shows the same in a shop's own page.

What is read stands in pages/: templates, their words by language, the style. Nothing is fetched from another host.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.cache import Rendered
from gateway.domain import Status
from gateway.privacy import BadLink, open_link
from gateway.runtime import Runtime
from gateway.tracking.view import load_views
from gateway.web.endpoint import Call, Endpoint
from gateway.web.language import language
from gateway.web.live import Feed, stream
from gateway.web.problem import Problem

FOLDER = Path(__file__).parent / "pages"
#: A shop's own page may read what a link opens: the link is the key, and no cookie goes with it.
_OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def endpoints() -> list[Endpoint]:
    def row(path: str, handler: Any, summary: str, media: str, **more: Any) -> Endpoint:
        return Endpoint(
            method="GET", path=path, handler=handler, role=None, summary=summary, tag="page", media=media, **more
        )

    return [
        row("/t/{token}", show, "The page a customer sees", "text/html"),
        row("/t/{token}/live", live, "What moves that page", "text/event-stream", streams=True),
        row("/widget.js", widget, "The same page inside a shop's own", "text/javascript"),
    ]


async def show(call: Call[None, None]) -> web.StreamResponse:
    """410 when the link is over, 404 when it is not one of ours: with a page that says so."""
    rt, reader = call.rt, _reader(call)
    try:
        shipment_id = open_link(rt.secret, call.path("token"), rt.clock())
    except BadLink as error:
        return _gone(reader, expired=error.expired)
    async with rt.store.read() as tx:
        found = await load_views(rt, tx, [shipment_id], reader)
    if not found:
        return _gone(reader, expired=True)
    return _page("track.html.j2", reader, tracking=found[0].view, status_word=_status_words(rt, reader))


async def live(call: Call[None, None]) -> web.StreamResponse:
    """Server-Sent Events, until the link is over."""
    try:
        shipment_id = _opened(call)
    except BadLink as error:
        raise Problem(410 if error.expired else 404, str(error), headers=_OPEN) from error

    async def allowed() -> bool:
        try:
            return _opened(call) == shipment_id
        except BadLink:
            return False

    return await stream(call, Feed(shipment_id=shipment_id, language=_reader(call), allowed=allowed, headers=_OPEN))


def _opened(call: Call[None, None]) -> str:
    return open_link(call.rt.secret, call.path("token"), call.rt.clock())


async def widget(call: Call[None, None]) -> web.StreamResponse:
    script = _widget()
    headers = {"ETag": script.etag, "Cache-Control": "public, max-age=3600", **_OPEN}
    if script.etag in call.request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=script.body, content_type="text/javascript", charset="utf-8", headers=headers)


@lru_cache(maxsize=1)
def _widget() -> Rendered:
    body = (FOLDER / "widget.js").read_bytes()
    return Rendered(status=200, etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"', body=body)


def _reader(call: Call[None, None]) -> str:
    return language(call.rt, call.request.query.get("locale"), call.request.headers.get("Accept-Language"))


def _status_words(rt: Runtime, reader: str) -> Any:
    return lambda status: rt.words.status(reader, Status(status))


def _gone(reader: str, *, expired: bool) -> web.Response:
    words, what = page_words(reader), "over" if expired else "wrong"
    page = _page("gone.html.j2", reader, title=words[f"{what}_title"], text=words[f"{what}_text"])
    page.set_status(410 if expired else 404)
    return page


def _page(template: str, reader: str, **values: Any) -> web.Response:
    nonce = secrets.token_urlsafe(12)
    text = (
        _templates(reader)
        .get_template(template)
        .render(words=page_words(reader), language=reader, nonce=nonce, **values)
    )
    allowed = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {
        "Content-Security-Policy": f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'",
        "Cache-Control": "no-store",
        "Content-Language": reader,
        "Referrer-Policy": "no-referrer",  # the address is a key
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        **_OPEN,
    }
    return web.Response(body=text.encode(), content_type="text/html", charset="utf-8", headers=headers)


@lru_cache(maxsize=32)
def _templates(reader: str) -> Environment:
    """Carriers' texts are foreign input: everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    locale = _locale(reader)
    environment.filters["moment"] = lambda text: moment(text, locale)
    return environment


def moment(text: str, locale: Locale) -> str:
    """An ISO time as people read it, in the offset it was told in."""
    at = datetime.fromisoformat(text)
    return f"{format_date(at, 'medium', locale=locale)} {format_time(at, 'short', tzinfo=at.tzinfo, locale=locale)}"


def _locale(reader: str) -> Locale:
    try:
        return Locale.parse(reader, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def page_words(reader: str) -> Mapping[str, str]:
    """The page's own words in this language, or in its kin, or in English."""
    every = _every_word()
    kin = (words for name, words in every.items() if name.split("-")[0] == reader.split("-")[0])
    return every.get(reader) or next(kin, every["en"])


@lru_cache(maxsize=1)
def _every_word() -> Mapping[str, Mapping[str, str]]:
    files = sorted((FOLDER / "words").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
