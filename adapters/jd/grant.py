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
from gateway.contract.tokens import Token

_LASTS = datetime.max.replace(tzinfo=UTC)  # until JD says otherwise


class Grant:
    """`token` is what a TokenCache fetches: the token of the settings at first, a fresh one when that was refused.

    A refresh token that JD has replaced is remembered for as long as the process lives.
    """

    def __init__(self, settings: JdSettings, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._refresh = settings.refresh_token.get_secret_value() if settings.refresh_token else ""
        self._spent = False

    async def token(self) -> Token:
        """Raise Refused (for a person) where refreshing is refused."""
        if not self._spent or not self._refresh:
            self._spent = True
            return Token(value=self._settings.access_token.get_secret_value(), expires_at=_LASTS)
        granted = await self._refreshed()
        self._refresh = text(granted, "refreshToken") or self._refresh
        return Token(value=required(granted, "accessToken"), expires_at=_end(granted))

    async def _refreshed(self) -> dict[str, object]:
        now = self._clock().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        asked = {"app_key": self._settings.app_key, "refresh_token": self._refresh, "timestamp": now}
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
