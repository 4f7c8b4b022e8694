"""The digests carriers sign with, and the one comparison to use. Formulas are in the fact sheets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote_plus

from pydantic import SecretStr

from gateway.contract.carrier import Push
from gateway.contract.errors import BadPayload, BadSignature


def md5_base64(text: str | bytes) -> str:
    """Base64 of the 16 raw bytes (SF, ZTO, YTO, STO, J&T, Cainiao)."""
    return base64.b64encode(hashlib.md5(_bytes(text)).digest()).decode()


def md5_hex(text: str | bytes) -> str:
    """Lower-case hex of the digest."""
    return hashlib.md5(_bytes(text)).hexdigest()


def md5_hex_base64(text: str | bytes) -> str:
    """Base64 of the 32-letter hex text (KDNiao, Deppon): not the same as `md5_base64`."""
    return base64.b64encode(md5_hex(text).encode()).decode()


def hmac_sha256(secret: str | bytes, body: str | bytes) -> bytes:
    """The 32 raw bytes of HMAC-SHA256."""
    return hmac.new(_bytes(secret), _bytes(body), hashlib.sha256).digest()


def compact(value: object) -> str:
    """JSON to be signed: no spaces, Chinese as it is. Serialise once; sign and send this very text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def short_key(key: str, limit: int) -> str:
    """Our idempotency key where the provider takes `limit` (at least 32) characters: itself, or always the same 32."""
    return key if len(key) <= limit else md5_hex(key)


def java_quoted(text: str) -> str:
    """URL-encoded as Java's URLEncoder does it in UTF-8 (SF): a space is +; letters, digits and *-._ stay."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def same(given: str, expected: str) -> bool:
    """Constant-time comparison over bytes; an empty expectation matches nothing."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def accepted(*secrets: SecretStr | None) -> list[str]:
    """Those that are set: the secret, and the one before it while it is being changed."""
    return [secret.get_secret_value() for secret in secrets if secret is not None]


@contextmanager
def unsigned() -> Iterator[None]:
    """Inside `verify`: what cannot be read is not signed."""
    try:
        yield
    except BadPayload as error:
        raise BadSignature(error.detail) from error


def only_by_path(request: Push) -> None:
    """The `verify` of a carrier that does not sign (`trusted_path`). Raise BadSignature off the row's secret path."""
    if not request.token:
        raise BadSignature("these pushes are not signed: they are believed on the secret path only")


def basic(user: str, password: str) -> str:
    """The value of a Basic Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
