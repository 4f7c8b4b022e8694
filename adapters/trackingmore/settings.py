"""What a row of TrackingMore is set with."""

from __future__ import annotations

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class TrackingMoreSettings(CarrierSettings):
    """base_url: https://api.trackingmore.com/v4. webhook_secret: of version 4 (older ones sign with an e-mail address).

    Unverified, with what is documented or seen as default: the headers of a push, header names in lower case; window,
    how many seconds the time stamp of a push may be off; codes of v4 for "exists", "is not there", "no courier
    fits" and for what a person mends. phone_field: the field that takes the last four digits of a phone, where couriers
    ask for them.
    """

    api_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None  #: still accepted, while the secret is changed
    timestamp_header: str = Field(default="timestamp", pattern="^[a-z0-9-]+$")
    signature_header: str = Field(default="signature", pattern="^[a-z0-9-]+$")
    window: float = Field(default=300, gt=0)
    exists_codes: tuple[str, ...] = ("4016", "4101")
    absent_codes: tuple[str, ...] = ("4017", "4031")
    undetected_codes: tuple[str, ...] = ("4032",)
    config_codes: tuple[str, ...] = ("401", "4001", "4002", "4019", "4021")
    phone_field: str = ""
