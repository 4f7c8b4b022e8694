"""Answers that a reader may have already: ETag, 304, gzip."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs, web

from gateway.cache import Rendered
from gateway.web.ready import Ready, suits

#: Whoever keeps an answer asks whether it still holds: a parcel moves when it moves.
CACHE = "private, no-cache"
VARY = "Accept-Language, Accept-Encoding, Authorization"
#: A smaller body is sent as it is.
_WORTH_IT = 860


def conditional(request: web.BaseRequest, rendered: Rendered, language: str) -> web.StreamResponse:
    """304 when the reader has these very bytes, else the bytes, compressed for whoever takes gzip."""
    made = ready(request, rendered, language)
    return made if suits(request) else made.plain()


def ready(request: web.BaseRequest, rendered: Rendered, language: str) -> Ready:
    """What `conditional` sends to whom it `suits`: kept from the second time on, and forgotten with the answer.

    Most answers are read once: what is kept of each costs memory, and the garbage collector its round.
    """
    accepted = request.headers.get(hdrs.ACCEPT_ENCODING)
    known = request.headers.get(hdrs.IF_NONE_MATCH)
    squeeze = accepted is not None and len(rendered.body) > _WORTH_IT and takes_gzip(accepted)
    same = known is not None and rendered.status == 200 and (rendered.etag in known or known.strip() == "*")
    way = _Way(squeeze, same, language)
    made: Ready | None = rendered.made.get(way)
    if made is None:
        made = _made(rendered, way)
        rendered.made[way if rendered.made else _ONCE] = made if rendered.made else None
    return made


#: Stands in `made` once an answer was sent.
_ONCE = "once"


class _Way(NamedTuple):
    """How an answer is sent. same: the reader has it already."""

    squeeze: bool
    same: bool
    language: str


def _made(rendered: Rendered, way: _Way) -> Ready:
    headers = {
        # Two encodings are not the same bytes: a weak tag says that they mean the same.
        "ETag": f"W/{rendered.etag}" if way.squeeze else rendered.etag,
        "Cache-Control": CACHE,
        "Vary": VARY,
        "Content-Language": way.language,
    }
    if way.same:
        return Ready(304, headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    if way.squeeze:
        headers["Content-Encoding"] = "gzip"
    return Ready(rendered.status, headers, gzip.compress(rendered.body, 6, mtime=0) if way.squeeze else rendered.body)


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """By an Accept-Encoding header: gzip is named, or anything is, and it is not refused (q=0)."""
    liked = {}
    for part in accepted.split(","):
        name, _, rest = part.partition(";")
        liked[name.strip().lower()] = rest.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return liked.get("gzip", liked.get("*", False))
