"""How Aliyun writes and reads: numbers, answers, records, reports."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import quote

from gateway.contract.carrier import Reply
from gateway.sandbox.records import ReceivedMessage
from gateway.sandbox.wire import shanghai

REFUSED, UNREACHABLE = "9901", "9902"


def escaped(text: str) -> str:
    return quote(text, safe="~")


def mainland(phone: str) -> str:
    """The bare eleven digits of a mainland number however it was written; others without the plus."""
    digits = phone.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def all_texts(values: Mapping[str, object] | None) -> bool:
    return values is not None and all(isinstance(value, str) for value in values.values())


def detail_of(message: ReceivedMessage) -> dict[str, object]:
    failed = message.to.endswith(UNREACHABLE)
    return {
        "PhoneNum": message.to,
        "SendStatus": 2 if failed else 3,
        "ErrCode": "MOBILE_NOT_ON_SERVICE" if failed else "DELIVERED",
        "TemplateCode": message.template,
        "Content": f"【{message.title}】{message.text}",
        "SendDate": shanghai(message.at),
        "ReceiveDate": shanghai(message.at),
        "OutId": message.id,
    }


def answer_with(code: str, message: str, extra: Mapping[str, object], status: int) -> Reply:
    request = {"RequestId": str(uuid.uuid4()).upper()}
    return Reply.json({"Code": code, "Message": message, **request, **extra}, status=status)


def agreed(extra: Mapping[str, object]) -> Reply:
    return answer_with("OK", "OK", extra, 200)


def refused(code: str) -> Reply:
    texts = {"isv.BUSINESS_LIMIT_CONTROL": "触发天级流控Permits:10"}
    return answer_with(code, texts.get(code, code), {}, 200)


def gateway_refusal(code: str, status: int = 400) -> Reply:
    return answer_with(code, code, {"HostId": "sandbox"}, status)
