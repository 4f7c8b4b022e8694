"""What a row of DHL is set with."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret

#: One customs territory: parcels between these need no declaration.
_UNION = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"


class DhlSettings(CarrierSettings):
    """base_url: https://api-eu.dhl.com. dhl_api_key: of developer.dhl.com (DHL-API-Key).

    service: the division whose parcels this row reads ("express", "parcel-de" ...). tracking: `mydhl` reads Express
    with the account of MyDHL, which has finer codes.
    hook_uri, hook_header, hook_token: where pushes come, and the header and token we ask DHL to send with each; without
    a token they are believed on the secret path only.
    username, password, account_number: of MyDHL (mydhl_url), needed to book. products: our service -> productCode.
    """

    dhl_api_key: Secret
    service: str = ""
    tracking: Literal["unified", "mydhl"] = "unified"
    hook_uri: str = ""
    hook_header: str = Field(default="x-dhl-hook-token", pattern=r"^[A-Za-z0-9-]+$")
    hook_token: Secret | None = None
    previous_hook_token: Secret | None = None  #: still accepted, while the token is changed
    mydhl_url: str = Field(default="https://express.api.dhl.com/mydhlapi", pattern=r"^https?://[^\s]+[^\s/]$")
    username: str = ""
    password: Secret | None = None
    account_number: str = ""
    products: dict[str, str] = {"": "N", "standard": "N"}
    customs_union: tuple[str, ...] = tuple(_UNION.split())

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.tracking == "mydhl" and not (self.username and self.password):
            raise ValueError("tracking mydhl needs username and password")
        return self
