"""What a row of UPS is set with."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class UpsSettings(CarrierSettings):
    """client_*: the app's. credential, webhook_url: what v1 subscriptions carry. push_client_*: what we gave UPS in the
    portal for v2, to fetch bearers with. services: our service names to UPS service codes. intercept: fields of the
    return request, `clientIP` and `requesterContactInfo` {name, telephone} at least.
    """

    client_id: str = Field(min_length=1)
    client_secret: Secret
    merchant_id: str = ""
    transaction_src: str = Field(default="carrier-gateway", min_length=1)
    locale: str = "en_US"
    country_code: str = "US"
    push_version: Literal["v1", "v2"] = "v2"
    subscription_type: Literal["standard", "enhanced"] = "standard"
    event_preferences: tuple[str, ...] = ()
    webhook_url: str = ""
    credential: Secret | None = None
    push_client_id: str = ""
    push_client_secret: Secret | None = None
    shipper_number: str = ""
    services: dict[str, str] = {"": "03", "standard": "03"}
    intercept: dict[str, Any] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.push_version == "v1" and not (self.credential and self.webhook_url):
            raise ValueError("push_version v1 needs credential and webhook_url")
        if bool(self.push_client_id) != bool(self.push_client_secret):
            raise ValueError("push_client_id and push_client_secret go together")
        return self
