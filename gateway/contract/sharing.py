"""Tokens of an account that several processes use: what a token is, and the door to where they are kept together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """refresh: what a fresh one is asked for with, where the provider gives such (JD)."""

    value: str = field(repr=False)
    expires_at: datetime
    refresh: str = field(default="", repr=False)


class SharedTokens(Protocol):
    """Where the processes of a gateway keep one account's tokens. Adapters get it from the gateway, or None."""

    async def renewed(
        self, name: str, good: Callable[[Token], bool], fetch: Callable[[Token | None], Awaitable[Token]]
    ) -> Token:
        """What another process fetched, where it is good; else what `fetch` gives, one process at a time.

        fetch: gets the token that was kept until now. Its errors pass through, and the next process may try.
        """
