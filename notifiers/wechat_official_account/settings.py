"""What a row of 微信服务号 is set with."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from gateway.contract.notifier import NotifierSettings
from gateway.contract.secret import Secret


class WechatOfficialAccountSettings(NotifierSettings):
    base_url: str = Field(default="https://api.weixin.qq.com", pattern=r"^https?://[^\s]+$")
    appid: str = Field(min_length=1)
    secret: Secret
    token: Secret | None = None  #: of the callback server; without it no callback is believed
    encoding_aes_key: Secret | None = None  #: 43 letters and digits; without it (plain mode) no POST is believed

    @field_validator("encoding_aes_key")
    @classmethod
    def _aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
            raise ValueError("43 letters and digits, as shown in the account's console")
        return value
