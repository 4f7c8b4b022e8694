"""The two forms in which requests are signed: ACS3-HMAC-SHA256, and the old one of query strings."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

from gateway.contract.signing import hmac_sha256


def canonical(parameters: Mapping[str, str]) -> str:
    """The query string, sorted by code point and percent-encoded by RFC 3986."""
    return "&".join(f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def acs3(path: str, query: str, headers: Mapping[str, str], key_id: str, secret: str) -> str:
    """The Authorization of a POST. headers: lower case, all of them signed, x-acs-content-sha256 among them."""
    names = ";".join(sorted(headers))
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(("POST", path, query, block, names, headers["x-acs-content-sha256"]))
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = hmac_sha256(secret, f"ACS3-HMAC-SHA256\n{digest}").hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def rpc(parameters: Mapping[str, str], secret: str) -> str:
    """The Signature of the old form: the canonical query is encoded a second time."""
    to_sign = f"POST&%2F&{quote(canonical(parameters), safe='~')}"
    return b64encode(hmac.digest(f"{secret}&".encode(), to_sign.encode(), "sha1")).decode()
