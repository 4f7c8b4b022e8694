"""What a row of ShipEngine is set with."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any, Literal, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class Jwk(BaseModel):
    """One key of a JSON Web Key Set (RFC 7517); what else stands in it is not needed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kty: Literal["RSA"]
    kid: str = Field(min_length=1)
    n: str = Field(pattern="^[A-Za-z0-9_-]{1,2000}$")
    e: str = Field(pattern="^[A-Za-z0-9_-]{1,8}$")

    @model_validator(mode="after")
    def _strong(self) -> Self:
        if self.public().key_size < 2048:
            raise ValueError(f"{self.kid}: a key of less than 2048 bits")
        return self

    def public(self) -> RSAPublicKey:
        """Raise ValueError for numbers that are no key."""
        return RSAPublicNumbers(e=_number(self.e), n=_number(self.n)).public_key()


def _number(value: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))


def _keys(given: Any) -> Any:
    """The keys of a set: as text (from the environment), as the set itself, or as its list."""
    found = json.loads(given) if isinstance(given, str) else given
    return found["keys"] if isinstance(found, dict) and "keys" in found else found


class ShipEngineSettings(CarrierSettings):
    """base_url: https://api.shipengine.com/v1, or https://api.shipstation.com/v2 for the product of that name.

    jwks: what stood at `jwks_url` when the row was written. carrier_id: whose labels are bought ("se-..").
    """

    api_key: Secret
    jwks: Annotated[tuple[Jwk, ...], BeforeValidator(_keys)] = ()
    jwks_url: str = Field(default="https://api.shipengine.com/jwks", pattern="^https?://")
    carrier_id: str = ""
    company: str = ""  #: ShipEngine's carrier_code: ups, stamps_com
    label_format: Literal["pdf", "png", "zpl"] = "pdf"
