"""Answers of the LinkGateway: JSON or XML, their booleans as texts, yes and no both inside HTTP 200 (sheet c)."""

from __future__ import annotations

import re
from typing import Any

from gateway.contract.errors import ContractError, Refused, Unavailable
from gateway.contract.reading import load_object, load_xml, required, text

_SIGNATURE = "S02"


def opened(content: bytes) -> dict[str, Any]:
    """The fields of an answer, in XML those right below its root. Raise BadPayload."""
    if content.lstrip()[:1] == b"<":
        return {field.tag: field.text for field in load_xml(content.strip())}
    return load_object(content)


def agreed(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, where its `success` is true. Raise what its no means."""
    if required(answer, "success").lower() == "true":
        return answer
    raise _no(text(answer, "errorCode"), text(answer, "errorMsg") or text(answer, "expInfo"), answer)


def is_cancelled(no: Refused) -> bool:
    """Whether a no says that it was cancelled before."""
    return bool(re.search("已取消|已经取消|重复取消", no.detail))


def _no(code: str, said: str, answer: dict[str, Any]) -> ContractError:
    said = said or "no reason given"
    if code == _SIGNATURE or re.search("签名|验签|data_digest|sign", said.lower()):
        return Refused(said, code=code, config=True)
    if text(answer, "needRetry").lower() == "true":
        return Unavailable(said, code=code)
    return Refused(said, code=code)
