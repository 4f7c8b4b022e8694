"""What a row of 中通 is set with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class ZtoSettings(CarrierSettings):
    """app_key, app_secret: the application's. account_*: the branch's e-waybill account, needed only for booking."""

    app_key: str = Field(min_length=1)
    app_secret: Secret
    account_id: str = ""
    account_password: Secret | None = None
    account_type: int = 1
    customer_id: str = ""
    partner_type: Literal["1", "2"] = "2"
    cancel_type: Literal["1", "2", "3", "4", "5", "6", "7"] = "1"
    intercept_destination: Literal[1, 2] = 2  #: 1 back to the branch, 2 back to the sender
