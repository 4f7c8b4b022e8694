"""What a row of FedEx is set with."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class FedexSettings(CarrierSettings):
    """base_url: https://apis.fedex.com. client_*: the project's API key and secret. child_*: of a reseller's customer.

    security_token: what was entered for the AIV webhook in the portal (26-100 characters); without it no pushes are
    taken. account_number: nine digits, needed to book and cancel. services: our service -> serviceType.
    """

    client_id: str = Field(min_length=1)
    client_secret: Secret
    child_key: str = ""
    child_secret: Secret | None = None
    security_token: Secret | None = None
    previous_security_token: Secret | None = None  #: still accepted, while the token is changed
    locale: str = "en_US"  #: of the texts; the refinement of DE and SE reads English
    account_number: str = ""
    services: dict[str, str] = {"": "FEDEX_GROUND", "standard": "FEDEX_GROUND"}
    pickup_type: str = "USE_SCHEDULED_PICKUP"
    packaging_type: str = "YOUR_PACKAGING"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.child_key) != bool(self.child_secret):
            raise ValueError("child_key and child_secret go together")
        return self
