"""Keyed hashes instead of people, and the signed links that open one shipment."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime


class BadLink(Exception):
    """A tracking link that is forged or over. expired: it was good once."""

    def __init__(self, detail: str, *, expired: bool = False) -> None:
        super().__init__(detail)
        self.expired = expired


def person_key(secret: bytes, kind: str, value: str) -> str:
    """A stable key for a phone number, mailbox, openid or street address that does not give it away. 64 hex digits."""
    normal = "".join(value.split()).casefold()
    return hmac.new(secret, f"person|{kind}:{normal}".encode(), hashlib.sha256).hexdigest() if normal else ""


def link_token(secret: bytes, shipment_id: str, until: datetime) -> str:
    """What stands in /t/{token}: the shipment and the end of the link, signed."""
    body = f"{shipment_id}.{int(until.timestamp()):x}"
    return f"{body}.{_sign(secret, body)}"


def open_link(secret: bytes, token: str, now: datetime) -> str:
    """The shipment a link opens. Raise BadLink."""
    body, _, signature = token.rpartition(".")
    shipment_id, _, until = body.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, body).encode()):
        raise BadLink("not one of our links")
    if datetime.fromtimestamp(int(until, 16), tz=UTC) < now:
        raise BadLink("this link is over", expired=True)
    return shipment_id


def _sign(secret: bytes, body: str) -> str:
    digest = hmac.new(secret, f"link|{body}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()
