"""What a row of EasyPost is set with."""

from __future__ import annotations

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class EasyPostSettings(CarrierSettings):
    """base_url: https://api.easypost.com/v2. Only rates of `company` and of `carrier_accounts` ("ca_..") are bought."""

    api_key: Secret
    webhook_secret: Secret
    previous_webhook_secret: Secret | None = None  #: still accepted, while the secret is changed
    company: str = ""
    carrier_accounts: tuple[str, ...] = ()
    label_format: str = "PDF"
