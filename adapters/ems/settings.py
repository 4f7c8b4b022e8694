"""What a row of EMS is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from cryptography.exceptions import UnsupportedAlgorithm
from pydantic import AfterValidator, Field, SecretStr

from adapters.ems.envelope import sealed
from adapters.ems.statuses import REVERSALS
from gateway.contract.secret import Secret
from gateway.contract.worded import WordedSettings


def _sm4(key: SecretStr) -> SecretStr:
    try:
        sealed("", key.get_secret_value())
    except ValueError as error:
        raise ValueError("the Base64 of 16 bytes was expected") from error
    except UnsupportedAlgorithm as error:
        raise ValueError("this build of cryptography has no SM4") from error
    return key


class EmsSettings(WordedSettings):
    """base_url: https://api.ems.com.cn/amp-prod-api/f/amp/api; with `sandbox`, the same host's test address.

    sender_no: the contract customer's number. ecommerce_user_id: of orders. services: our service -> bizProductNo.
    order: further fields of an order. Unverified: cancel_code, array_codes (whose JSON is a list), cancel_fields, and
    reversals: which opCode takes back which other one.
    """

    sender_no: str = Field(min_length=1)
    authorization: Secret
    secret_key: Annotated[Secret, AfterValidator(_sm4)]
    sandbox: bool = False
    ecommerce_user_id: str = ""
    services: Mapping[str, str] = {"": "1", "standard": "1"}
    contents_attribute: str = "3"
    order: Mapping[str, Any] = {}
    trace_code: str = "040001"
    order_code: str = "020003"
    cancel_code: str = "020006"
    array_codes: tuple[str, ...] = ("020003",)
    cancel_fields: Mapping[str, Any] = {}
    reversals: Mapping[str, str] = REVERSALS
