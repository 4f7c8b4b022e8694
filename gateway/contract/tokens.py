"""Access tokens: read, cached until shortly before their end, fetched once however many callers wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from gateway.contract.client import ask
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import required, unreadable
from gateway.contract.signing import basic

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    value: str
    expires_at: datetime


def token_in(
    answer: Mapping[str, Any], now: datetime, *, value: str = "access_token", life: str = "expires_in"
) -> Token:
    """The token of an answer. value, life: the names of its fields; the life is in seconds. Raise BadPayload.

    A token is what can stand in a header: visible ASCII (RFC 6749 A.12).
    """
    token, seconds = required(answer, value), required(answer, life)
    if not (token.isascii() and token.isprintable()):
        raise BadPayload(f"{value}: a token of visible ASCII characters was expected")
    with unreadable(life, seconds):
        return Token(value=token, expires_at=now + timedelta(seconds=float(seconds)))


async def client_credentials(
    http: httpx.AsyncClient,
    address: str,
    client: tuple[str, str],
    now: datetime,
    *,
    in_form: bool = False,
    headers: Mapping[str, str] = {},
    **fields: str,
) -> Token:
    """A token by OAuth 2.0 client credentials (RFC 6749 4.4). client: its id and secret.

    They go in Basic, or in the form where the provider wants them there. fields: more of the form (`scope`).
    """
    form = {"grant_type": "client_credentials", **fields}
    form |= {"client_id": client[0], "client_secret": client[1]} if in_form else {}
    proof = {} if in_form else {"Authorization": basic(*client)}
    return token_in(await ask(http, "POST", address, data=form, headers={**headers, **proof}), now)


class TokenCache:
    """One account's token. `fetch` asks the provider; `margin` is how long before its end a token is no longer used.

    refused: the provider's own codes of a token that is no good, besides 401.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        clock: Callable[[], datetime],
        *,
        margin: float = 60,
        refused: Collection[str] = (),
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._refused = refused
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
        """`call` with a token; one that is refused is replaced once, and its second refusal passes through."""
        token = await self.get()
        try:
            return await call(token)
        except Refused as refusal:
            if refusal.status != 401 and refusal.code not in self._refused:
                raise
        self.drop(token)
        return await call(await self.get())
