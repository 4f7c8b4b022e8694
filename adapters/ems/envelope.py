"""EMS's envelope, both ways: SM4-ECB over a text that ends with the key's own Base64 (sheet b)."""

from __future__ import annotations

from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.contract.errors import BadPayload
from gateway.contract.signing import same

#: In front of every cipher text: the version of the scheme.
PREFIX = "|$4|"


def sealed(plain: str, key: str) -> str:
    """The envelope of a text. key: Base64 of 16 bytes. Raise ValueError for another key."""
    padder, cipher = PKCS7(128).padder(), _cipher(key).encryptor()
    padded = padder.update((plain + key).encode()) + padder.finalize()
    return PREFIX + b64encode(cipher.update(padded) + cipher.finalize()).decode()


def decrypted(envelope: str, key: str) -> str:
    """What an envelope holds, the key's text at its end included where it is there. Raise BadPayload."""
    if not envelope.startswith(PREFIX):
        raise BadPayload(f"logitcsInterface: does not begin with {PREFIX}")
    try:
        cipher, unpadder = _cipher(key).decryptor(), PKCS7(128).unpadder()
        padded = cipher.update(b64decode(envelope.removeprefix(PREFIX), validate=True)) + cipher.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as error:
        raise BadPayload("logitcsInterface: cannot be decrypted") from error


def opened(envelope: str, key: str) -> str:
    """What somebody who has our key put into an envelope. Raise BadPayload for anything else."""
    plain = decrypted(envelope, key)
    if not same(plain[-len(key) :], key):
        raise BadPayload("logitcsInterface: does not end with our key")
    return plain.removesuffix(key)


def _cipher(key: str) -> Cipher[ECB]:
    return Cipher(SM4(b64decode(key, validate=True)), ECB())  # noqa: S305 - it is EMS's choice
