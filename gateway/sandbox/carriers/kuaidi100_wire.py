"""How 快递100 writes: answers, orders, histories."""

from __future__ import annotations

from gateway.contract.carrier import Reply
from gateway.domain import Status
from gateway.sandbox.carriers.words import KUAIDI100_STATES, meaning
from gateway.sandbox.records import Event, Waybill
from gateway.sandbox.wire import shanghai


def agreed(message: str, data: object = None) -> Reply:
    answer: dict[str, object] = {"result": True, "returnCode": "200", "message": message}
    return Reply.json(answer if data is None else answer | {"data": data})


def refused(code: str, message: str) -> Reply:
    return Reply.json({"result": False, "returnCode": code, "message": message})


def order_of(waybill: Waybill) -> dict[str, str]:
    return {"taskId": waybill.extra["task"], "orderId": waybill.extra["order"], "kuaidinum": waybill.number}


def result_of(waybill: Waybill, company: str) -> dict[str, object]:
    newest = sorted(waybill.events, key=lambda one: one.at, reverse=True)
    rows = [row_of(event) for event in newest]
    signed = bool(newest) and newest[0].status is Status.DELIVERED
    return {
        "message": "ok",
        "nu": waybill.number,
        "ischeck": "1" if signed else "0",
        "com": company,
        "status": "200",
        "state": rows[0]["statusCode"] if rows else "0",
        "condition": "00",
        "isLoop": False,
        "data": rows,
    }


def row_of(event: Event) -> dict[str, str]:
    code, name = state_of(event)
    at = shanghai(event.at)
    row = {"time": at, "ftime": at, "context": event.text, "status": name, "statusCode": code}
    return row | {"areaName": event.place, "location": event.place}


def state_of(event: Event) -> tuple[str, str]:
    """A code of the company's own means nothing here: the aggregator reads it as in transit, unless the event has
    no status either (then the code is passed through, as an aggregator's new code would be)."""
    if event.status is Status.UNKNOWN:
        return event.code, "在途"
    if (event.status, None) not in KUAIDI100_STATES:
        return "0", "在途"
    return meaning(KUAIDI100_STATES, event)
