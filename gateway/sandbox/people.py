"""The made-up customers of the journeys: one per parcel and run, so that caps and caps' windows never meet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_FAMILY, _GIVEN = "赵钱孙李周吴郑王冯陈", "晓明静伟芳磊娜强敏杰"


def zone_where_it_is(hour: int, now: datetime) -> str:
    """A fixed-offset zone in which the clock now shows about `hour` o'clock (Etc/GMT signs are reversed)."""
    offset = (hour - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def customer(serial: int, hour: int, now: datetime) -> dict[str, Any]:
    """The `serial`-th recipient as POST /v1/shipments wants it: phone, mail, openid, language, zone, consent."""
    serial %= 10**8
    return {
        "name": _FAMILY[serial // 10 % 10] + _GIVEN[(serial // 100 + serial) % 10],
        "phone": f"+86138{serial // 9900 % 10**4:04d}{serial % 9900:04d}",
        "email": f"customer{serial}@example.com",
        "wechat_openid": f"oSANDBOX{serial:08d}",
        "locale": "en" if serial // 10 % 4 == 3 else "zh-CN",
        "timezone": zone_where_it_is(hour, now),
        "consent": {"marketing": True},
    }


def registration(
    order: str, carrier: str, number: str, recipient: Mapping[str, Any], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of POST /v1/shipments. extra: what the journey says of the shipment, over the shop's defaults."""
    shop = {"country": "CN", "region": "广东省", "city": "深圳市", "district": "南山区", "address": "科技园中区1号"}
    home = {"country": "CN", "region": "北京市", "city": "北京市", "district": "朝阳区", "address": "建国路1号"}
    return {
        "order_id": order,
        "carrier": carrier,
        "tracking_number": number,
        "service": "standard",
        "origin": shop,
        "destination": {**home, "address": f"建国路{order[-4:]}号"},
        "sender": {"name": "示例商店", "phone": "+8613900000001", "company": "示例商店"},
        "recipient": dict(recipient),
        "value": {"amount": "199.00", "currency": "CNY"},
        "parcel": {"weight_g": 1200, "items": [{"name": "保温杯", "quantity": 1}]},
        "booking": {"reference": order},
        **extra,
    }
