"""What a row of 菜鸟 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gateway.contract.secret import Secret
from gateway.contract.worded import WordedSettings


class CainiaoSettings(WordedSettings):
    """base_url: https://link.cainiao.com (overseas https://shidclink.cainiao.com, pre https://prelink.cainiao.com).

    cp_code, template_url, user_id: of waybills. waybill_fields: further fields of their order. Everything else is
    unverified and follows what was subscribed in the console: ..._type the message types, trace_url the address of
    queries (the EDI host for TMS_PRACTICE_TRACE_INFO), ..._field the names of fields in answers and pushes, ..._codes
    those of errors.
    """

    logistic_provider_id: str = Field(min_length=1)
    secret_key: Secret
    to_code: str = ""
    path: str = Field(default="/gateway/link.do", pattern=r"^/\S*$")
    trace_url: str = Field(default="", pattern=r"^((/|https?://)\S+)?$")
    trace_type: str = "CNTECH_LV_LOGISTICS_DETAIL_GET"
    subscribe_type: str = "CNTECH_LV_LOGISTICS_DETAIL_SUBSCRIBE"
    subscribe_fields: Mapping[str, Any] = {}
    number_field: str = "mailNo"
    events_field: str = "operationDetails"
    code_field: str = "status"
    time_field: str = "operateTime"
    text_field: str = "operateDescription"
    place_field: str = "orgName"
    config_codes: tuple[str, ...] = ("S02",)
    system_codes: tuple[str, ...] = ("S07",)
    cp_code: str = ""
    template_url: str = ""
    user_id: str = ""
    order_channel: str = "OTHERS"
    waybill_fields: Mapping[str, Any] = {}
