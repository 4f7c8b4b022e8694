"""Signatures of the LOP gateway, and yes and no in its answers (sheet b and c)."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Any

from gateway.contract.errors import BadPayload, ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import Fields, inside, joined, load_object, required, text
from gateway.contract.secret import hiding
from gateway.contract.signing import md5_hex

#: Tokens are part of the address, which httpx logs.
without_tokens = hiding(re.compile(r"(?<=_token=)[^&\s\"']+"))

_HMACS = {"HMacMD5": "md5", "HMacSHA1": "sha1", "HMacSHA256": "sha256", "HMacSHA512": "sha512"}
#: No such waybill.
NOT_FOUND = "2100"
_INTERNAL = "4000"


def signature(secret: str, algorithm: str, fields: Mapping[str, str]) -> str:
    """Over names and values in their order, between two secrets: upper-case hex MD5, or Base64 of an HMAC."""
    content = secret + "".join(name + value for name, value in fields.items()) + secret
    if algorithm == "md5-salt":
        return md5_hex(content).upper()
    return b64encode(hmac.new(secret.encode(), content.encode(), _HMACS[algorithm]).digest()).decode()


def agreed(answer: dict[str, Any], yes: Collection[str], but: str = "", *, deed: bool) -> dict[str, Any]:
    """The answer of the service, where it is a yes or has the subCode `but`. Raise what its no means."""
    if "error_response" in answer:
        raise _gateway_no(inside(answer, "error_response"), deed=deed)
    inner = inside(answer, "response", "content") if "response" in answer else answer
    code, sub, success = required(inner, "code"), text(inner, "subCode"), text(inner, "success", "true").lower()
    if (code in yes and success == "true") or (sub and sub == but):
        return inner
    said = joined(inner, "msg", "subCode", "subMsg", by=" ") or "no reason given"
    if code == _INTERNAL:
        raise OutcomeUnknown(said, code=code) if deed else Unavailable(said, code=code)
    raise Refused(said, code=code)  # 2001 too: it is also the answer about somebody else's waybill


def explain(no: Refused, *, deed: bool) -> None:
    """Raise what the gateway says in the body of a refusal by status; nothing where it says nothing."""
    try:
        failure = inside(load_object(no.body), "error_response")
        known = _gateway_no(failure, deed=deed, status=no.status, config=no.config)
    except BadPayload:
        return
    raise known from no


def is_not_found(no: Refused) -> bool:
    """Whether a no says that JD knows no such waybill (yet)."""
    return no.code == NOT_FOUND


def is_cancelled(no: Refused) -> bool:
    """Whether a no says that it was cancelled before."""
    return bool(re.search("已取消|已经取消|重复取消", no.detail))


def _gateway_no(failure: Fields, *, deed: bool, status: int | None = None, config: bool = False) -> ContractError:
    """By its words, because the list of its codes is not published."""
    code = text(failure, "code")
    said = joined(failure, "zh_desc", "en_desc", by=" / ") or "no reason given"
    low = said.lower()
    if re.search("令牌|token", low):  # what others say with 401
        return Refused(said, code=code, status=401, config=True)
    if re.search("签名|权限|sign|permission|unauthorized", low):
        return Refused(said, code=code, status=status, config=True)
    if re.search("限流|流量|频繁|flow|limit", low):
        return Unavailable(said, code=code, retry_after=60)  # JD says no time
    if re.search("超时|timeout|timed out", low):
        return OutcomeUnknown(said, code=code) if deed else Unavailable(said, code=code)
    if re.search("不可用|繁忙|unavailable|busy", low):
        return Unavailable(said, code=code)
    return Refused(said, code=code, status=status, config=config)
