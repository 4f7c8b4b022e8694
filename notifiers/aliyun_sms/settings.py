"""What a row of 阿里云短信 is set with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.contract.notifier import NotifierSettings
from gateway.contract.secret import Secret


class AliyunSmsSettings(NotifierSettings):
    base_url: str = Field(default="https://dysmsapi.aliyuncs.com", pattern=r"^https?://[^\s]+$")
    access_key_id: str = Field(min_length=1)
    access_key_secret: Secret
    security_token: Secret | None = None  #: with temporary (STS) keys
    sign_name: str = Field(min_length=1)  #: without the brackets
    signature: Literal["acs3", "rpc"] = "acs3"  #: rpc: the old HMAC-SHA1 form, for old keys and proxies
    region_id: str = "cn-hangzhou"  #: of the rpc form
    settle_seconds: float = Field(default=600, ge=0)  #: until then a message without a record may still get one
