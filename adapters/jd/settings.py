"""What a row of 京东物流 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class JdSettings(CarrierSettings):
    """base_url: https://api.jdl.com (UAT: uat-api, sandbox: test-api).

    access_token: granted by the merchant in the browser; with refresh_token a token that JD refuses is replaced at
    token_url (layout unverified). query: `own` orders, or any parcel by the `standard` reference and a phone.
    order_origin: 0 C2C, 1 B2C, 2 C2B, 4 freight B2C, 5 freight C2C. settle_type: 3 monthly, 1 sender, 2 receiver.
    services: our service -> productCode (ed-m-0002 is unverified). cancel_fields: more fields of a cancellation,
    cancelType being 0 for C2C. result_types: what its answer calls the two good ends (unverified).
    """

    app_key: str = Field(min_length=1)
    app_secret: Secret
    access_token: Secret
    refresh_token: Secret | None = None
    token_url: str = "https://oauth.jdl.com/oauth/refresh"  # noqa: S105 - an address
    algorithm: Literal["md5-salt", "HMacMD5", "HMacSHA1", "HMacSHA256", "HMacSHA512"] = "md5-salt"
    customer_code: str = Field(min_length=1)
    business_unit_code: str = ""
    query: Literal["own", "standard"] = "own"
    order_origin: Literal[0, 1, 2, 4, 5] = 1
    settle_type: Literal[1, 2, 3] = 3
    services: Mapping[str, str] = {"": "ed-m-0001", "standard": "ed-m-0001", "express": "ed-m-0002"}
    cargo_name: str = "商品"
    cancel_fields: Mapping[str, Any] = {"cancelReason": "寄件人取消", "cancelReasonCode": "1", "cancelType": 1}
    result_types: Mapping[Literal["cancelled", "intercepted"], str] = {"cancelled": "0", "intercepted": "1"}
