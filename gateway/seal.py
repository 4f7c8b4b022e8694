"""Secrets at rest: encrypted under a key that is derived from the gateway's own."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Seal:
    """AES-256-GCM; the key is HKDF-SHA256 of the gateway's secret, another one for each purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._aead = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret))

    def close(self, plain: bytes, label: str) -> bytes:
        """label: what it belongs to; it opens under the same one only."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes | None:
        """None for what was sealed with another secret, for something else, or was changed since."""
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], label.encode())
        except (InvalidTag, ValueError):
            return None
