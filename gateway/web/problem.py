"""Errors as RFC 9457 problem documents: what is wrong and in which field, never a trace, never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import ValidationError

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is a no. errors: (field, problem) pairs."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.extra = extra or {}

    def response(self) -> web.Response:
        title = HTTPStatus(self.status).phrase
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "errors": [{"field": field, "problem": problem} for field, problem in self.errors],
            **self.extra,
        }
        body = json.dumps(document, ensure_ascii=False).encode()
        return web.Response(status=self.status, body=body, content_type=CONTENT_TYPE, headers=self.headers)


def invalid(error: ValidationError) -> Problem:
    """422 naming each field as the caller wrote it."""
    errors = [
        (".".join(str(part) for part in one["loc"]), one["msg"].removeprefix("Value error, "))
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    fields = ", ".join(sorted({field or "body" for field, _ in errors}))
    return Problem(422, f"cannot be accepted: {fields}", errors=errors)


def not_found(what: str) -> Problem:
    return Problem(404, f"there is no {what}")
