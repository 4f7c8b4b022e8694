"""What a row of AfterShip is set with."""

from __future__ import annotations

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr, field_validator, model_validator

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret

#: The last version whose bodies are wrapped in {"tracking": ...}.
_LAST_WRAPPED = "2024-04"


class AfterShipSettings(CarrierSettings):
    """base_url: https://api.aftership.com/tracking/<version>. webhook_secret: of the Tracking product.

    api_secret or rsa_private_key (PEM): for an API key that was made with request signing, "AES" or "RSA"; one of them.
    wrapped: whether bodies are {"tracking": ...}; unset: as in versions up to 2024-04 (later ones: unverified).
    phone_field: the field of a tracking that takes the last four digits of a phone, where couriers ask for them.
    """

    api_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None  #: still accepted, while the secret is changed
    api_secret: Secret | None = None
    rsa_private_key: Secret | None = None
    wrapped: bool | None = None
    phone_field: str = ""

    @field_validator("rsa_private_key")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signing_key(value)
        return value

    @model_validator(mode="after")
    def _one_way_of_signing(self) -> AfterShipSettings:
        if self.api_secret and self.rsa_private_key:
            raise ValueError("api_secret, rsa_private_key: an API key signs in one way only")
        return self

    @property
    def wraps(self) -> bool:
        """Whether the body of a tracking is wrapped."""
        version = re.search(r"/(\d{4}-\d{2})(?:/|$)", self.base_url)
        old = version is not None and version[1] <= _LAST_WRAPPED
        return old if self.wrapped is None else self.wrapped


def signing_key(pem: SecretStr) -> RSAPrivateKey:
    """The RSA key of a PEM without a password. Raise ValueError."""
    try:
        key = load_pem_private_key(pem.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("a private key in PEM, without a password, was expected") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("an RSA key was expected")
    return key
