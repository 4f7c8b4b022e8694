"""What a row of 顺丰 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class SfSettings(CarrierSettings):
    """base_url: https://bspgw.sf-express.com (HK: sfapi-hk, sandbox: sfapi-sbox); token_url is beside it, or absolute.

    check_word: 校验码, in both modes of auth. services: our service -> expressTypeId. cargo_name: of a parcel without
    items. register_fields: type 2 is by waybill. intercept_fields: serviceCode 2 is 退回, payMode 4 by monthly card.
    """

    partner_id: str = Field(min_length=1)
    check_word: Secret
    auth: Literal["digest", "oauth2"] = "digest"
    token_url: str = "/oauth2/accessToken"  # noqa: S105 - an address
    monthly_card: str = ""
    pay_method: Literal[1, 2, 3] = 1
    services: Mapping[str, int] = {"": 2, "standard": 2, "express": 1}
    cargo_name: str = "商品"
    order_codes: Mapping[str, str] = {"duplicate": "8016", "unknown": "8024", "cancelled": "8037"}
    register_fields: Mapping[str, Any] = {"type": "2"}
    intercept_fields: Mapping[str, Any] = {"serviceCode": "2", "role": "1", "payMode": "4"}
