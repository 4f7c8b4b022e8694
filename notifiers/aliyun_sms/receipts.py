"""SmsReport and SmsUp: what became of a message, and what its recipient answered."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from gateway.contract.errors import BadPayload
from gateway.contract.reading import Fields, china_time, required, text
from gateway.domain import MessageState, Receipt
from notifiers.aliyun_sms.numbers import our_number

OPT_OUT_WORDS = frozenset({"T", "TD", "N", "R", "退订"})


def receipt(item: Fields) -> Receipt | None:
    """One entry of a push; None for an answer that is no wish to hear no more."""
    return _reply(item) if "content" in item else _report(item)


def _report(item: Fields) -> Receipt:
    code, failed = text(item, "err_code"), required(item, "success").lower() != "true"
    return Receipt(
        provider_id=text(item, "biz_id") or None,
        message_id=text(item, "out_id") or None,
        state=MessageState.FAILED if failed else MessageState.DELIVERED,
        code=code,
        detail=text(item, "err_msg"),
        at=_time(item, "report_time"),
        address=our_number(text(item, "phone_number")),
        opted_out=failed and code in {"MOBILE_IN_BLACK", "USER_REJECT"},
        suspect=failed and code in {"MOBILE_NOT_ON_SERVICE", "INVALID_NUMBER"},
    )


def _reply(item: Fields) -> Receipt | None:
    word = unicodedata.normalize("NFKC", text(item, "content")).strip().upper()
    if word not in OPT_OUT_WORDS:
        return None
    address = our_number(required(item, "phone_number"))
    if address is None:
        raise BadPayload("phone_number: is not a phone number")
    return Receipt(code=word, at=_time(item, "send_time"), address=address, opted_out=True)


def _time(item: Fields, field: str) -> datetime | None:
    """Times are Asia/Shanghai without saying so."""
    return china_time(item, field) if text(item, field) else None
