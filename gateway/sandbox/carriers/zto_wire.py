"""How ZTO writes: envelopes, orders, scans of the query and of the push."""

from __future__ import annotations

from gateway.contract.carrier import Reply
from gateway.domain import Reason
from gateway.sandbox.carriers.words import ZTO_ACTIONS, ZTO_SCAN_TYPES, meaning, word
from gateway.sandbox.records import Event, Waybill
from gateway.sandbox.wire import shanghai

_PROBLEMS = {
    Reason.ADDRESS_PROBLEM: "地址错误",
    Reason.REFUSED: "拒收",
    Reason.DAMAGED: "破损",
    Reason.RECIPIENT_ABSENT: "联系不上收件人",
}


def agreed(result: object, code: str = "SYS000") -> Reply:
    return Reply.json({"status": True, "statusCode": code, "message": "操作成功", "result": result})


def refused(code: str, message: str) -> Reply:
    return Reply.json({"status": False, "statusCode": code, "message": message, "result": None})


def order_of(waybill: Waybill) -> dict[str, object]:
    return {
        "orderCode": waybill.extra.get("order", ""),
        "billCode": waybill.number,
        "partnerOrderCode": waybill.reference,
        "siteCode": "02191",
        "siteName": "青浦华新",
        "bigMarkInfo": {"mark": "200-021 10", "bagAddr": "上海"},
        "verifyCode": waybill.number[-4:],
    }


def queried_scan(waybill: Waybill, event: Event) -> dict[str, object] | None:
    """One line of the query; None for what the query does not show (an order that nobody has picked up)."""
    if not event.code and (event.status, None) not in ZTO_SCAN_TYPES:
        return None
    return {
        "billCode": waybill.number,
        "scanType": word(ZTO_SCAN_TYPES, event),
        "scanDate": int(event.at.timestamp() * 1000),
        "desc": event.text,
        "scanSite": {"name": f"{event.place}网点", "code": "02191", "prov": "", "city": event.place, "isCenter": "F"},
    }


def pushed_scan(waybill: Waybill, event: Event) -> dict[str, object]:
    action = event.code or meaning(ZTO_ACTIONS, event)
    return {
        "billCode": waybill.number,
        "action": action,
        "actionTime": shanghai(event.at),
        "city": event.place,
        "facilityCode": "02191",
        "facilityName": f"{event.place}网点",
        "problemCode": _PROBLEMS.get(event.reason, "") if event.reason and action == "PROBLEM" else "",
        "desc": event.text,
    }
