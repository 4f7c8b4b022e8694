"""What a row of 圆通 is set with: an address and a secret for each interface added in the console."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from gateway.contract.secret import Secret
from gateway.contract.worded import WordedSettings


class Interface(BaseModel):
    """One interface of the console. url: as it was issued, or its part after base_url.

    method, v: what is signed beside `param`, where it is not the interface's own name and v1. app_key, user_id: only of
    the older addresses (`/service/...`), whose forms have them and method and v.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^(/|https?://)\S+$")
    secret: Secret
    method: str = ""
    v: str = "v1"
    app_key: str = ""
    user_id: str = ""


class YtoSettings(WordedSettings):
    """base_url: https://openapi.yto.net.cn (UAT: https://openuat.yto56test.com:6443).

    track ... intercept: the interfaces we have. client_id: our customer code, of subscriptions. push_secret: what
    pushes are signed with. services: our service -> productCode. order: further fields of an order by YTO's names.
    Unverified: the words of errors, and all of intercepts (`intercept_number`, `intercept_fields`).
    """

    track: Interface
    subscribe: Interface | None = None
    create: Interface | None = None
    cancel: Interface | None = None
    intercept: Interface | None = None
    client_id: str = ""
    push_secret: Secret | None = None
    services: Mapping[str, str] = {"": "PK", "standard": "PK"}
    order: Mapping[str, str] = {}
    cancel_reason: str = "客户取消"
    intercept_number: str = "waybillNo"
    intercept_fields: Mapping[str, str] = {}
