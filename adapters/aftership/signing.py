"""Signed requests (sheet b, "Request signing"): optional, chosen per API key; they are good for three minutes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.aftership.settings import AfterShipSettings, signing_key
from gateway.contract.signing import hmac_sha256, md5_hex


def sign_string(method: str, resource: str, body: bytes, date: str, headers: Mapping[str, str]) -> str:
    """What is signed. resource: path and query as they are sent, its keys in order; headers: those that begin `as-`."""
    digest, kind = (md5_hex(body).upper(), "application/json") if body else ("", "")
    canonical = "\n".join(f"{name}:{value}" for name, value in sorted(headers.items()))
    return "\n".join((method, digest, kind, date, canonical, resource))


def signed_headers(
    settings: AfterShipSettings, now: datetime, method: str, resource: str, body: bytes
) -> dict[str, str]:
    """The headers of a request: the key, and date and signature where its account signs."""
    headers = {"as-api-key": settings.api_key.get_secret_value()}
    date = format_datetime(now, usegmt=True)
    said = sign_string(method, resource, body, date, headers)
    if settings.api_secret:
        mac = hmac_sha256(settings.api_secret.get_secret_value(), said)
        headers |= {"date": date, "as-signature-hmac-sha256": base64.b64encode(mac).decode()}
    elif settings.rsa_private_key:
        salted = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
        signature = signing_key(settings.rsa_private_key).sign(said.encode(), salted, SHA256())
        headers |= {"date": date, "as-signature-rsa-sha256": base64.b64encode(signature).decode()}
    return headers | ({"content-type": "application/json"} if body else {})
