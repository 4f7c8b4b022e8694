"""What a row of 申通 is set with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class StoSettings(CarrierSettings):
    """base_url: https://cloudinter-linkgateway.sto.cn (sandbox: http://cloudinter-linkgatewaytest.sto.cn).

    from_code: the resource code, where it is not the app key. order_source and what follows are for orders: the source
    assigned to us, and the branch's e-waybill account. Unverified: cancel_to_code, the further fields of cancellations
    and intercepts (`..._fields`), the words of an order, subscription or intercept that is there already.
    """

    from_appkey: str = Field(min_length=1)
    from_code: str = ""
    secret_key: Secret
    order_source: str = ""
    site_code: str = ""
    customer_name: str = ""
    site_pwd: Secret | None = None
    month_customer_code: str = ""
    bill_type: str = "00"
    order_type: str = "01"
    pay_model: str = ""
    cargo: Mapping[str, Any] = {"battery": "10", "goodsType": "小件", "goodsName": "商品"}
    cancel_to_code: str = "edi_modify_order"
    cancel_fields: Mapping[str, Any] = {"orderType": "01"}
    intercept_fields: Mapping[str, Any] = {"interceptForAct": "DEFAULT"}
    again_words: tuple[str, ...] = ("重复", "已存在", "已订阅", "已拦截")
