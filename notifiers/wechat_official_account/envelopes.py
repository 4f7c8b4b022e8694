"""The envelope of a callback: its signature, what is encrypted in it, and its XML."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from xml.etree.ElementTree import Element

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.contract.errors import BadPayload
from gateway.contract.reading import load_xml


def signature(*parts: str) -> str:
    """sha1 of the parts in plain string order."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "backslashreplace")).hexdigest()


def decrypted(encrypt: str, key: str) -> tuple[bytes, bytes]:
    """XML and appid. AES-CBC, IV = the key's beginning, PKCS#7 with blocks of 32. Raise BadPayload."""
    try:
        aes = b64decode(f"{key}=")
        opener = Cipher(algorithms.AES(aes), modes.CBC(aes[:16])).decryptor()
        plain = opener.update(b64decode(encrypt, validate=True)) + opener.finalize()
        padding = plain[-1]
        length = int.from_bytes(plain[16:20], "big")
        if not 1 <= padding <= 32 or plain[-padding:] != bytes([padding]) * padding:
            raise ValueError("padding")
        if 20 + length > len(plain) - padding:
            raise ValueError("length")
    except (ValueError, IndexError) as error:
        raise BadPayload("Encrypt: cannot be opened with our encoding_aes_key") from error
    return plain[20 : 20 + length], plain[20 + length : -padding]


def parsed(xml: bytes) -> Element:
    """An <xml> document. Raise BadPayload."""
    root = load_xml(xml)
    if root.tag != "xml":
        raise BadPayload("not an <xml> document", raw=xml)
    return root


def leaf(element: Element, name: str) -> str:
    """The text of a child, stripped; empty when it is not there."""
    return (element.findtext(name) or "").strip()
