"""What a row of 快递100 is set with."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class Kuaidi100Settings(CarrierSettings):
    """base_url: https://poll.kuaidi100.com (orders then go to its siblings order. and api.), or one host for all.

    salt: ours, sent along so that callbacks are signed with it. secret: of the order product. company: the one company
    that a row reads or books. services: our service -> serviceType. ..._fields: more fields by the provider's names
    (dayType). partner: partnerId, partnerKey ... of interceptOrder.
    """

    customer: str = Field(min_length=1)
    key: Secret
    salt: Secret
    secret: Secret | None = None
    callback_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    company: str | None = Field(default=None, min_length=1)
    services: Mapping[str, str] = {}
    booking_fields: Mapping[str, str] = {}
    cancel_fields: Mapping[str, str] = {"cancelMsg": "取消寄件"}
    intercept_fields: Mapping[str, str] = {"interceptType": "RETURN_SEND_ADDR", "reason": "寄件人要求退回"}
    partner: Mapping[str, Secret] | None = None
