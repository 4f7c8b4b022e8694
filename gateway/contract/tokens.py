"""Access tokens: cached until shortly before their end, fetched once however many callers wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from gateway.contract.errors import Refused

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    value: str
    expires_at: datetime


class TokenCache:
    """One account's token. `fetch` asks the provider; `margin` is how long before its end a token is no longer used."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], datetime], *, margin: float = 60
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._margin = timedelta(seconds=margin)
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    async def get(self) -> str:
        """A usable token, fetched when there is none. Errors of the fetch pass through."""
        async with self._lock:
            if self._token is None or self._token.expires_at - self._margin <= self._clock():
                self._token = await self._fetch()
            return self._token.value

    def drop(self, failed: str) -> None:
        """Forget the token that was refused, unless somebody has already replaced it."""
        if self._token is not None and self._token.value == failed:
            self._token = None

    async def use(self, call: Callable[[str], Awaitable[Answer]]) -> Answer:
        """`call` with a token; one that is refused (401) is replaced once, and its second refusal passes through."""
        token = await self.get()
        try:
            return await call(token)
        except Refused as refusal:
            if refusal.status != 401:
                raise
        self.drop(token)
        return await call(await self.get())
