"""What a row of USPS is set with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class UspsSettings(CarrierSettings):
    """base_url: https://apis.usps.com. client_*: the app's consumer key and secret.

    tracking_version: which of the two tracking APIs the app is approved for; v3 is asked for one number at a time.
    secret: of subscriptions, exactly 32 characters; without it no pushes are taken. listener_url: one for all numbers
    (USPS allows ten); admin_email: who is warned before a subscription ends. crid, mid, account_number: of the payment
    account, needed to book and cancel (manifest_mid: `mid` unless set). services: our service -> mailClass.
    """

    client_id: str = Field(min_length=1)
    client_secret: Secret
    tracking_version: Literal["v3", "v3r2"] = "v3r2"
    subscriptions_version: Literal["v3", "v3r2"] = "v3"
    secret: Secret | None = None
    previous_secret: Secret | None = None  #: still accepted, while the secret is changed
    listener_url: str = ""
    admin_email: str = ""
    crid: str = ""
    mid: str = ""
    manifest_mid: str = ""
    account_type: Literal["EPS", "PERMIT"] = "EPS"
    account_number: str = ""
    services: dict[str, str] = {"": "USPS_GROUND_ADVANTAGE", "standard": "USPS_GROUND_ADVANTAGE"}
    rate_indicator: str = "SP"
    processing_category: str = "MACHINABLE"
