"""Access tokens: read, cached until shortly before their end, fetched once however many callers wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from gateway.contract.client import ask
from gateway.contract.errors import BadPayload, Refused
from gateway.contract.reading import required, unreadable
from gateway.contract.sharing import SharedTokens, Token
from gateway.contract.signing import basic

__all__ = ["Token", "TokenCache", "client_credentials", "token_in"]

Answer = TypeVar("Answer")


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

    renew: instead of `fetch`, for a token that came with a refresh token. refused: the provider's own codes of a token
    that is no good, besides 401. shared: where other processes find it too, under `name`; None: each has its own.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        clock: Callable[[], datetime],
        *,
        renew: Callable[[Token], Awaitable[Token]] | None = None,
        margin: float = 60,
        refused: Collection[str] = (),
        shared: SharedTokens | None = None,
        name: str = "token",
    ) -> None:
        self._fetch = fetch
        self._renew = renew
        self._clock = clock
        self._refused = refused
        self._margin = timedelta(seconds=margin)
        self._shared, self._name = shared, name
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._failed: str | None = None

    async def get(self) -> str:
        """A usable token, fetched when there is none. Errors of the fetch pass through."""
        async with self._lock:
            if self._token is None or not self._good(self._token):
                shared = self._shared
                fresh = (
                    self._fresh(self._token) if shared is None else shared.renewed(self._name, self._good, self._fresh)
                )
                self._token, self._failed = await fresh, None
            return self._token.value

    def drop(self, failed: str) -> None:
        """Use the token that was refused no more, unless somebody has already replaced it."""
        if self._token is not None and self._token.value == failed:
            self._failed = failed

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

    def _good(self, token: Token) -> bool:
        return token.value != self._failed and token.expires_at - self._margin > self._clock()

    async def _fresh(self, before: Token | None) -> Token:
        if self._renew is not None and before is not None and before.refresh:
            return await self._renew(before)
        return await self._fetch()
