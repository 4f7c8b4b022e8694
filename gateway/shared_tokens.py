"""One account's access tokens for all processes: encrypted in the store, fetched by one of them at a time.

The store and not the fast lane: a token is read once in its life by each process, it outlives a restart there, and it
is needed without Redis too. A store that is away costs a token of one's own, never an answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from secrets import token_hex

from gateway.contract import SharedTokens, Token
from gateway.seal import Seal
from gateway.store import tokens
from gateway.store.away import StoreAway
from gateway.store.engine import Store

log = logging.getLogger(__name__)

#: So long may a fetch take (longer than any call out), after which another process takes its place.
_HELD = timedelta(seconds=45)
#: Seconds between two looks at whether the holder is done.
_LOOK = 0.1

Good = Callable[[Token], bool]
Fetch = Callable[[Token | None], Awaitable[Token]]


class StoredTokens(SharedTokens):
    """account: whose tokens these are. seal: opens and closes them."""

    def __init__(self, store: Store, seal: Seal, account: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._seal = seal
        self._account = account
        self._clock = clock
        self._me = token_hex(8)

    async def renewed(self, name: str, good: Good, fetch: Fetch) -> Token:
        label, before = f"{self._account}:{name}", None
        try:
            while not await self._claimed(label):
                if (before := await self._kept(label)) is not None and good(before):
                    return before
                await asyncio.sleep(_LOOK)
            before = await self._kept(label)
        except StoreAway:
            return await fetch(before)
        fresh = None
        try:
            fresh = before if before is not None and good(before) else await fetch(before)
        finally:
            await self._release(label, fresh)
        return fresh

    async def _kept(self, label: str) -> Token | None:
        async with self._store.read() as tx:
            sealed = await tokens.kept(tx, label)
        plain = self._seal.open(sealed, label) if sealed is not None else None
        if plain is None:
            return None
        value, expires_at, refresh = json.loads(plain)
        return Token(value=value, expires_at=datetime.fromisoformat(expires_at), refresh=refresh)

    async def _claimed(self, label: str) -> bool:
        now = self._clock()
        async with self._store.write() as tx:
            return await tokens.claim(tx, label, self._me, now, now + _HELD)

    async def _release(self, label: str, fresh: Token | None) -> None:
        sealed = None
        if fresh is not None:
            plain = json.dumps([fresh.value, fresh.expires_at.isoformat(), fresh.refresh])
            sealed = self._seal.close(plain.encode(), label)
        try:
            async with self._store.write() as tx:
                await tokens.release(tx, label, self._me, sealed)
        except StoreAway as error:
            log.warning("%s: a token is not shared, the store is away: %s", self._account, error)
