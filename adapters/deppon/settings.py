"""What a row of 德邦 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gateway.contract.secret import Secret
from gateway.contract.worded import WordedSettings


class DepponSettings(WordedSettings):
    """base_url: https://dpapi.deppon.com; with `sandbox`, which has one for all:
    http://dpsanbox.deppon.com/sandbox-web.

    order_base_url: of orders and cancellations. customer_code, order_prefix: of orders, the second (Deppon's `sign`) in
    front of our order id. services: our service -> transportType. order, package_info: further fields of an order
    (deliveryType and packageService belong to packageInfo). subscribe_path: another one is in use as well.
    Unverified: query_fields, fields of an order-status push (`order_..._field`; without a time: that of receipt).
    """

    company_code: str = Field(min_length=1)
    appkey: Secret
    sandbox: bool = False
    order_base_url: str = Field(default="https://gwapi.deppon.com", pattern=r"^https?://\S+[^/\s]$")
    subscribe_path: str = "/dop-interface-sync/dop-nonstandard-extension/standTraceSubscribe.action"
    customer_code: str = ""
    order_prefix: str = ""
    services: Mapping[str, str] = {"": "PACKAGE", "standard": "PACKAGE"}
    order_type: str = "2"
    pay_type: str = "2"
    order: Mapping[str, Any] = {}
    package_info: Mapping[str, Any] = {}
    cargo_name: str = "商品"
    cancel_reason: str = "客户取消"
    query_fields: Mapping[str, Any] = {"logisticCompanyID": "DEPPON"}
    order_number_field: str = "mailNo"
    order_time_field: str = "gmtUpdated"
    order_text_field: str = "comments"
