"""The merchant's authorisation: the token that was granted in the browser, then those that refreshing brings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from adapters.jd import wire
from adapters.jd.settings import JdSettings
from gateway.contract.client import ask
from gateway.contract.errors import Refused
from gateway.contract.reading import SHANGHAI, Fields, china_time, epoch_time, inside, required, text
from gateway.contract.sharing import Token

_LASTS = datetime.max.replace(tzinfo=UTC)  # until JD says otherwise


class Grant:
    """What a TokenCache asks for: the token of the settings at first, then one for the refresh token of the last.

    JD may replace the refresh token too. Both are kept where processes share tokens, and survive a restart there.
    """

    def __init__(self, settings: JdSettings, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock

    async def first(self) -> Token:
        """As the merchant granted it."""
        refresh = self._settings.refresh_token.get_secret_value() if self._settings.refresh_token else ""
        value = self._settings.access_token.get_secret_value()
        return Token(value=value, expires_at=_LASTS, refresh=refresh)

    async def renewed(self, before: Token) -> Token:
        """Raise Refused (for a person) where refreshing is refused."""
        granted = await self._refreshed(before.refresh)
        refresh = text(granted, "refreshToken") or before.refresh
        return Token(value=required(granted, "accessToken"), expires_at=_end(granted), refresh=refresh)

    async def _refreshed(self, refresh: str) -> dict[str, object]:
        now = self._clock().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        asked = {"app_key": self._settings.app_key, "refresh_token": refresh, "timestamp": now}
        sign = wire.signature(self._settings.app_secret.get_secret_value(), "md5-salt", asked)
        asked |= {"timezone": "8", "sign": sign}
        try:
            answer = await ask(self._http, "GET", self._settings.token_url, params=asked)
        except Refused as no:
            raise Refused(f"refresh_token: {no.detail}", code=no.code, status=no.status, config=True) from no
        code = required(answer, "code")
        if code not in {"0", "1000"}:
            raise Refused(text(answer, "message") or "refresh_token: was refused", code=code, config=True)
        return inside(answer, "data")


def _end(granted: Fields) -> datetime:
    """accessExpire: a local time, or milliseconds."""
    told = required(granted, "accessExpire")
    if told.isascii() and told.isdecimal():
        return epoch_time(told, UTC, "accessExpire")
    return china_time(granted, "accessExpire")
