"""What a row of 韵达 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from gateway.contract.secret import Secret
from gateway.contract.worded import WordedSettings


class YundaSettings(WordedSettings):
    """base_url: https://openapi.yundaex.com (test: https://u-openapi.yundasys.com).

    partner_id, partner_secret: the branch account, of orders. order: further fields of an order by Yunda's names.
    push_sign: `md5` asks for the sign of a push besides the secret path, which `path` believes alone; its formula is
    unverified. Unverified too: appid, order_type and the fields of orders, the words of errors.
    """

    app_key: str = Field(min_length=1)
    app_secret: Secret
    push_sign: Literal["path", "md5"] = "path"
    partner_id: str = ""
    partner_secret: Secret | None = None
    appid: str = ""
    order_type: str = "common"
    order: Mapping[str, Any] = {}
    unsubscribed_words: tuple[str, ...] = ("未订阅",)
