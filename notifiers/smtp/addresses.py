"""Mailboxes, and the texts that stand in headers and commands."""

from __future__ import annotations

import re
from email.utils import parseaddr

from gateway.contract.errors import RecipientInvalid

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,64}@[\w\-]+(\.[\w\-]+)*")


def is_mailbox(value: str) -> bool:
    """Whether a header value ("Name <notice@example.com>") holds one address, in ASCII."""
    box = parseaddr(value)[1]
    return bool(_ADDRESS.fullmatch(box)) and box.isascii() and not _CONTROL.search(value)


def mailbox(address: str) -> str:
    """The address as it is sent: a domain outside ASCII in its IDNA form. Raise RecipientInvalid."""
    try:
        local, domain = address.rsplit("@", 1)
        ascii_address = f"{local}@{domain.encode('idna').decode()}"
    except ValueError:
        ascii_address = ""
    if not _ADDRESS.fullmatch(ascii_address):
        raise RecipientInvalid("the address is not an e-mail address")
    return ascii_address


def plain(value: str) -> str:
    """One line without control characters and half characters: a place with a line break is no poison."""
    return _CONTROL.sub(" ", value.encode("utf-8", "replace").decode()).strip()


def xtext(value: str) -> str:
    """RFC 3461: `+`, `=` and what is not printable, as +HH. value: ASCII."""
    return re.sub(r"[^!-*,-<>-~]", lambda match: f"+{ord(match[0]):02X}", value)
