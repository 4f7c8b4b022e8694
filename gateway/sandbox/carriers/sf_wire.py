"""How SF writes: digest, envelopes, orders, routes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import quote_plus

from gateway.contract.carrier import Reply
from gateway.domain import Reason, Status
from gateway.sandbox.carriers.words import SF_STAGES, SF_WORDS, word
from gateway.sandbox.records import Event, Waybill
from gateway.sandbox.wire import compact, last4, rows_of, shanghai, text_of


def digest(msg_data: str, timestamp: str, check_word: str) -> str:
    """msgDigest: Base64 of the MD5 of the URL-encoded sum, in Java's spelling."""
    encoded = quote_plus(msg_data + timestamp + check_word, safe="*").replace("~", "%7E")
    return base64.b64encode(hashlib.md5(encoded.encode()).digest()).decode()


def envelope(code: str, message: str, inner: object = None) -> Reply:
    body = {
        "apiErrorMsg": message,
        "apiResponseID": secrets.token_hex(16).upper(),
        "apiResultCode": code,
        "apiResultData": None if inner is None else compact(inner),
    }
    return Reply.json(body)


def agreed(data: object) -> Reply:
    return envelope("A1000", "", {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": data})


def refused(code: str, message: str, data: object = None) -> Reply:
    return envelope("A1000", "", {"success": False, "errorCode": code, "errorMsg": message, "msgData": data})


def denied() -> Reply:
    return envelope("A1006", "数字签名无效")


def waybill_in(data: Mapping[str, object]) -> str:
    """The waybill a request names, in whichever of SF's forms."""
    rows = rows_of(data, "waybillNoInfoList")
    listed = data.get("trackingNumber")
    first = str(listed[0]) if isinstance(listed, list) and listed else text_of(data, "trackingNumber")
    return (text_of(rows[0], "waybillNo") if rows else "") or text_of(data, "waybillNo", "attributeNo") or first


def order_of(waybill: Waybill) -> dict[str, object]:
    return {
        "orderId": waybill.reference,
        "originCode": "755",
        "destCode": "010",
        "filterResult": 2,
        "remark": "",
        "waybillNoInfoList": [{"waybillType": 1, "waybillNo": waybill.number}],
    }


def routes_of(number: str, waybill: Waybill | None, phones: list[str]) -> dict[str, object]:
    """Nothing for an unknown number, and nothing for a parcel of another account asked for with a wrong phone."""
    if waybill is None or (waybill.phone and any(phones) and last4(waybill.phone) not in phones):
        return {"mailNo": number, "routes": []}
    return {
        "mailNo": number,
        "routes": [queried_scan(event) for event in sorted(waybill.events, key=lambda one: one.at)],
    }


def fact_of(event: Event) -> dict[str, object]:
    return {
        "acceptAddress": event.place,
        "acceptTime": shanghai(event.at),
        "remark": event.text,
        "opCode": word(SF_WORDS, event),
    }


def queried_scan(event: Event) -> dict[str, object]:
    """The four status fields stand only where SF has a stage for the code."""
    stage = SF_STAGES.get(event.status) if not event.code else None
    first, name, second = stage or ("", "", "")
    return fact_of(event) | {
        "firstStatusCode": first,
        "firstStatusName": name,
        "secondaryStatusCode": second,
        "secondaryStatusName": name,
    }


def pushed_scan(waybill: Waybill, event: Event) -> dict[str, object]:
    row = fact_of(event) | {"mailno": waybill.number, "orderid": waybill.reference, "id": f"3636360{event.serial:08d}"}
    absent = event.reason is Reason.RECIPIENT_ABSENT and event.status is Status.ATTEMPT_FAILED
    return row | {"reasonCode": "1" if absent else "", "reasonName": "收方客户不在" if absent else ""}
