"""What a row of 快递鸟 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class KdniaoSettings(CarrierSettings):
    """base_url: https://api.kdniao.com; with `sandbox`, which has one address for all: http://sandboxapi.kdniao.com:8080.

    query_type, subscribe_type: what the plan includes; 1002 and 1008 are the free ones. company: the ShipperCode that a
    row reads or books. customer_names: ShipperCode -> CustomerName of queries, for companies that want another thing
    than the phone (JD: its merchant code). order_type: 1007 e-waybill, 1001 pickup. customer_name ... send_site: our
    account at the company booked with. services: our service -> ExpType. pay_type: 1 sender, 2 receiver, 3 monthly, 4
    third party. ..._codes: ResultCodes; ..._words: what a Reason says of a limit. The list of neither is published.
    """

    ebusiness_id: str = Field(min_length=1)
    app_key: Secret
    sandbox: bool = False
    query_type: Literal["1002", "8001", "8002", "8003"] = "8001"
    subscribe_type: Literal["1008", "8008"] = "8008"
    company: str | None = Field(default=None, min_length=1)
    customer_names: Mapping[str, str] = {}
    order_type: Literal["1007", "1001"] = "1007"
    customer_name: str = ""
    customer_pwd: Secret | None = None
    month_code: str = ""
    send_site: str = ""
    pay_type: Literal[1, 2, 3, 4] = 1
    services: Mapping[str, str] = {"": "1", "standard": "1"}
    cargo_name: str = "商品"
    exists_code: str = "106"
    again_codes: tuple[str, ...] = ("105",)
    config_codes: tuple[str, ...] = ("102", "104")
    busy_words: tuple[str, ...] = ("频繁", "频率", "并发")
    daily_words: tuple[str, ...] = ("次数", "上限", "限额")
