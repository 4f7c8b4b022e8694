"""What a row of Australia Post is set with."""

from __future__ import annotations

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class AusPostSettings(CarrierSettings):
    """base_url: https://digitalapi.auspost.com.au/shipping/v1, for tests .../test/shipping/v1."""

    api_key: Secret
    api_secret: Secret
    account_number: str = Field(pattern="^[0-9]{1,10}$")  #: sent with zeros in front, as ten digits
    absent_codes: frozenset[str] = frozenset({"ESB-10001", "51104"})  #: of numbers that are not known (yet)
    find_pages: int = Field(default=20, gt=0)  #: of 100 shipments, among which a booking is looked for
