"""Answers of ZTO: yes and no, both inside HTTP 200 (sheet c)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.contract.errors import OutcomeUnknown, Refused, refusal
from gateway.contract.reading import required, text

#: Try again, with the seconds a quota asks for; after S200 and S202 a deed may have been done.
_AGAIN: Mapping[str, float | None] = {"S200": None, "S202": None, "S203": None, "S206": 60, "S221": 1}
_MAYBE_DONE = frozenset({"S200", "S202"})
_CONFIG = frozenset({"S210", "S211", "S212", "S214", "E404", "E418"})
_INTERCEPTED = frozenset({"E23121", "E23127", "E23151"})


def agreed(answer: dict[str, Any], *, deed: bool) -> dict[str, Any]:
    """The answer, where its `status` is true. Raise what its no means."""
    if required(answer, "status") == "true":
        return answer
    code, said = text(answer, "statusCode"), text(answer, "message")
    if deed and code in _MAYBE_DONE:
        raise OutcomeUnknown(said, code=code)
    raise refusal(code, said, _AGAIN, _CONFIG)


def is_no_order(no: Refused) -> bool:
    """Whether a no says that there is no such order. Codes S... are of the platform and say nothing of orders."""
    return not no.code.startswith("S") and bool(re.search("不存在|未查询到|未找到|无此", no.detail))


def is_cancelled(no: Refused) -> bool:
    """Whether a no says that it was cancelled before."""
    return bool(re.search("已取消|已经取消|重复取消", no.detail))


def is_intercepted(no: Refused) -> bool:
    """Whether a no says that it was intercepted before."""
    return no.code in _INTERCEPTED
