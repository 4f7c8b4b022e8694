"""The public keys that pushes are signed with, by their `kid`.

`verify` may not ask anybody, so it knows the keys of the setting `jwks` and those that were fetched before. A push with
a `kid` that nobody knows is refused and leaves a wish; the gateway then has the set fetched (`learn`), at most once in
five minutes, and looks at the push again. Meanwhile ShipEngine's next try of it is believed.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import ValidationError

from adapters.shipengine.settings import Jwk
from gateway.contract.errors import BadSignature, ContractError
from gateway.contract.reading import listed

log = logging.getLogger(__name__)

_PAUSE = timedelta(minutes=5)


class Keys:
    """What is known of one account's key set."""

    def __init__(self, pinned: Iterable[Jwk]) -> None:
        self._pinned: dict[str, RSAPublicKey] = {jwk.kid: jwk.public() for jwk in pinned}
        self._known = dict(self._pinned)
        self._wanted = False
        self._asked_at: datetime | None = None

    def verify(self, kid: str, signature: str, signed: bytes) -> None:
        """RSASSA-PKCS1-v1_5 with SHA-256. Raise BadSignature."""
        key = self._known.get(kid)
        if key is None:
            self._wanted = True
            raise BadSignature(f"x-shipengine-rsa-sha256-key-id: {kid[:60]!a} is no key we know")
        try:
            key.verify(base64.b64decode(signature, validate=True), signed, PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature) as error:
            raise BadSignature("x-shipengine-rsa-sha256-signature: does not fit the body") from error

    async def learn(self, fetch: Callable[[], Awaitable[dict[str, Any]]], now: datetime) -> bool:
        """Fetch the set if somebody came with a key we do not know; whether it was. What goes wrong is logged."""
        if not self._wanted or (self._asked_at is not None and now - self._asked_at < _PAUSE):
            return False
        self._asked_at = now
        try:
            fetched = {jwk.kid: jwk.public() for jwk in _usable(await fetch())}
        except ContractError as error:
            log.warning("the keys of pushes could not be fetched: %s", error.detail)
            return False
        self._known, self._wanted = {**fetched, **self._pinned}, False
        return True


def _usable(answer: dict[str, Any]) -> Iterable[Jwk]:
    """The RSA keys of a set; keys of another kind are not what pushes are signed with."""
    for key in listed(answer, "keys"):
        try:
            yield Jwk.model_validate(key)
        except ValidationError as error:
            log.warning("a key of the set is left out: %s", error.errors()[0]["msg"])
