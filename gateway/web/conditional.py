"""Answers that a reader may have already: ETag, 304, gzip."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import lru_cache

from aiohttp import web

from gateway.cache import Rendered
from gateway.web.ready import Ready, head, suits

#: Whoever keeps an answer asks whether it still holds: a parcel moves when it moves.
CACHE = "private, no-cache"
VARY = "Accept-Language, Accept-Encoding, Authorization"
#: A smaller body is sent as it is.
_WORTH_IT = 860


def conditional(request: web.Request, rendered: Rendered, language: str) -> web.StreamResponse:
    """304 when the reader has these very bytes, else the bytes, compressed for whoever takes gzip."""
    asked = request.headers
    accepted = asked.get("Accept-Encoding")
    squeeze = accepted is not None and len(rendered.body) > _WORTH_IT and takes_gzip(accepted)
    known = asked.get("If-None-Match")
    if known is not None and rendered.status == 200 and (rendered.etag in known or known.strip() == "*"):
        status, body, length = 304, b"", None
    else:
        status, body = rendered.status, squeezed(rendered.body) if squeeze else rendered.body
        length = len(body)
    if suits(request):
        return Ready(status, _head(status, rendered.etag, language, squeeze, length), body)
    headers = dict(_headers(rendered.etag, language, squeeze, length))
    return web.Response(status=status, body=body or None, headers=headers)


def _headers(etag: str, language: str, squeeze: bool, length: int | None) -> Iterator[tuple[str, str]]:
    """length: of the body that follows, None: a 304, which has none."""
    # Two encodings are not the same bytes: a weak tag says that they mean the same.
    yield "ETag", f"W/{etag}" if squeeze else etag
    yield "Cache-Control", CACHE
    yield "Vary", VARY
    yield "Content-Language", language
    if length is not None:
        yield "Content-Type", "application/json; charset=utf-8"
        yield "Content-Length", str(length)
        if squeeze:
            yield "Content-Encoding", "gzip"


@lru_cache(maxsize=4096)
def _head(status: int, etag: str, language: str, squeeze: bool, length: int | None) -> bytes:
    return head(status, _headers(etag, language, squeeze, length))


@lru_cache(maxsize=2048)
def squeezed(body: bytes) -> bytes:
    """Compressed once for all who read the same bytes."""
    return gzip.compress(body, 6, mtime=0)


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """By an Accept-Encoding header: gzip is named, or anything is, and it is not refused (q=0)."""
    liked = {}
    for part in accepted.split(","):
        name, _, rest = part.partition(";")
        liked[name.strip().lower()] = rest.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return liked.get("gzip", liked.get("*", False))
