"""Answers that a reader may have already: ETag, 304, gzip."""

from __future__ import annotations

import gzip
from functools import lru_cache

from aiohttp import web

from gateway.cache import Rendered

#: Whoever keeps an answer asks whether it still holds: a parcel moves when it moves.
CACHE = "private, no-cache"
VARY = "Accept-Language, Accept-Encoding, Authorization"
#: A smaller body is sent as it is.
_WORTH_IT = 860


def conditional(request: web.Request, rendered: Rendered, language: str) -> web.Response:
    """304 when the reader has these very bytes, else the bytes, compressed for whoever takes gzip."""
    asked = request.headers
    squeeze = len(rendered.body) > _WORTH_IT and takes_gzip(asked.get("Accept-Encoding", ""))
    headers = {
        # Two encodings are not the same bytes: a weak tag says that they mean the same.
        "ETag": f"W/{rendered.etag}" if squeeze else rendered.etag,
        "Cache-Control": CACHE,
        "Vary": VARY,
        "Content-Language": language,
    }
    known = asked.get("If-None-Match")
    if known is not None and rendered.status == 200 and (rendered.etag in known or known.strip() == "*"):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    if squeeze:
        headers["Content-Encoding"] = "gzip"
    body = squeezed(rendered.body) if squeeze else rendered.body
    return web.Response(body=body, status=rendered.status, headers=headers)


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
