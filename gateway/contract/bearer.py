"""Bearers that we issue: OAuth client credentials for carriers that fetch a token before they push (UPS v2).

A bearer is `<expiry>.<hmac>`, so that any process can check one without a store.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime

from gateway.contract.carrier import Push, Reply
from gateway.contract.errors import BadPayload, BadSignature
from gateway.contract.reading import form
from gateway.contract.signing import hmac_sha256, same


class Bearers:
    """Issues and checks bearers for one client. An empty secret issues none and accepts none. life: in seconds."""

    def __init__(self, client_id: str, secret: str, clock: Callable[[], datetime], *, life: int = 3600) -> None:
        self._client_id = client_id
        self._secret = secret
        self._clock = clock
        self._life = life

    def issue(self, request: Push) -> Reply:
        """The answer of RFC 6749 4.4 to client id and secret, in Basic or in the form. Raise BadSignature."""
        try:
            fields = form(request.body)
        except BadPayload as error:
            raise BadSignature("not a token request") from error
        in_form = (fields.get("client_id", ""), fields.get("client_secret", ""))
        client_id, secret = _basic(request.headers.get("authorization", "")) or in_form
        if not (same(client_id, self._client_id) & same(secret, self._secret)):
            raise BadSignature("not our client")
        if fields.get("grant_type") != "client_credentials":
            return Reply.json({"error": "unsupported_grant_type"}, status=400)
        expires = str(int(self._clock().timestamp()) + self._life)
        bearer = f"{expires}.{self._mac(expires)}"
        return Reply.json({"access_token": bearer, "token_type": "Bearer", "expires_in": self._life})

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header holds a bearer of ours that has not expired."""
        scheme, _, bearer = authorization.partition(" ")
        expires, _, mac = bearer.partition(".")
        if not self._secret or scheme.lower() != "bearer" or not re.fullmatch("[0-9]{1,12}", expires):
            return False
        return same(mac, self._mac(expires)) and self._clock().timestamp() < int(expires)

    def _mac(self, expires: str) -> str:
        return hmac_sha256(self._secret, f"push bearer {self._client_id} {expires}").hex()


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError as error:
        raise BadSignature("Basic credentials that cannot be read") from error
    return user, password
