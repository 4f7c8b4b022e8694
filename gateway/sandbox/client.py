"""The gateway as anybody outside sees it: its HTTP API with a key, and its webhook addresses without one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import aiohttp

from gateway.contract.carrier import Push

_TIMEOUT = aiohttp.ClientTimeout(total=15)
#: how long an answer of a list is good for all journeys that look at it
_FRESH = 0.4
#: lists that are short by nature and come in one page
_SHORT = frozenset({"/v1/carriers"})


class GatewayError(Exception):
    """The gateway said no, or nothing. status: 0 when there was no answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}: {detail}" if status else detail)
        self.status = status


class Gateway:
    """Use as an async context manager. key: one with role ops or more."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self._cached: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Gateway:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *exit_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **params: str) -> Any:
        """The JSON of an answer. Raise GatewayError."""
        return await self._ask("GET", path, params=params)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._ask("POST", path, json=body)

    async def items(self, path: str) -> list[dict[str, Any]]:
        """The newest 200 rows of a list, shared for a moment by all who ask."""
        lock = self._locks.setdefault(path, asyncio.Lock())
        async with lock:
            at, rows = self._cached.get(path, (0.0, None))
            if rows is None or time.monotonic() - at > _FRESH:
                answer = await self.get(path, **({} if path in _SHORT else {"limit": "200"}))
                rows = answer["items"] if isinstance(answer, dict) else answer
                self._cached[path] = (time.monotonic(), rows)
            return list(rows)

    async def _ask(self, method: str, path: str, **how: Any) -> Any:
        assert self._session is not None, "use it as a context manager"  # noqa: S101
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            async with self._session.request(method, self.url + path, headers=headers, **how) as response:
                text = await response.text()
                if not 200 <= response.status < 300:
                    raise GatewayError(response.status, text[:500])
                return await response.json(content_type=None) if text else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise GatewayError(0, f"{type(error).__name__}: {error}") from error

    async def send(self, push: Push) -> tuple[int, bytes]:
        """Deliver a webhook once: status and body of the answer. Raise GatewayError when there is none."""
        assert self._session is not None, "use it as a context manager"  # noqa: S101
        parts: dict[str, Any] = {"params": dict(push.query), "headers": dict(push.headers), "data": push.body or None}
        try:
            async with self._session.request(push.method, self.url + push.path, **parts) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise GatewayError(0, f"{type(error).__name__}: {error}") from error


class Sender(Protocol):
    """Whoever delivers a push once; raises GatewayError when there is no answer."""

    async def send(self, push: Push) -> tuple[int, bytes]: ...


async def deliver(
    gateway: Sender,
    push: Push,
    accepted: Callable[[int, bytes], bool],
    *,
    pauses: tuple[float, ...] = (0.2, 0.5, 1, 2, 4, 8, 15),
) -> bool:
    """Deliver as providers do: again and again until it is accepted, with growing pauses. False: given up."""
    for pause in (*pauses, None):
        try:
            if accepted(*await gateway.send(push)):
                return True
        except GatewayError as error:
            if error.status:
                raise
        if pause is not None:
            await asyncio.sleep(pause)
    return False


def narrowed(rows: list[dict[str, Any]], field: str, wanted: set[str]) -> list[dict[str, Any]]:
    """The rows whose field is one of `wanted`."""
    return [row for row in rows if str(row.get(field)) in wanted]
