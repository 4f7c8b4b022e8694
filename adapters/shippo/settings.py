"""What a row of Shippo is set with."""

from __future__ import annotations

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class ShippoSettings(CarrierSettings):
    """base_url: https://api.goshippo.com. Only rates of `company` and of `carrier_accounts` are bought.

    hmac_secret: issued by Shippo's support on request. Without one, pushes are believed on the row's `webhook_token`.
    """

    api_token: Secret
    hmac_secret: Secret | None = None
    previous_hmac_secret: Secret | None = None  #: still accepted, while the secret is changed
    company: str = ""  #: Shippo's token of the carrier: usps, ups, dhl_express
    carrier_accounts: tuple[str, ...] = ()
    label_file_type: str = "PDF"
