"""The two answers in each answer: that of the gateway in front of all services, and inside it the service's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.contract.errors import OutcomeUnknown, Refused, Unavailable, refusal
from gateway.contract.reading import Fields, as_object, load_object, optional, required, text

#: Codes of the gateway: to try again and after how many seconds; for a person to mend.
_AGAIN: Mapping[str, float | None] = {"A1002": None, "A1005": 60, "A1007": None, "A1009": None, "A1099": None}
_CONFIG = frozenset({"A1003", "A1004", "A1006", "A1010"})
BAD_TOKEN = "A1006"  # noqa: S105 - a code


def passed(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, where the gateway let the call through. Raise what its no means."""
    if (code := required(answer, "apiResultCode")) != "A1000":
        raise refusal(code, text(answer, "apiErrorMsg"), _AGAIN, _CONFIG)
    return answer


def agreed(answer: Fields, *, deed: bool, but: str | None) -> dict[str, Any] | None:
    """msgData of the service's answer, None where it is the no with the code `but`. Raise what any other no means."""
    inner = answer.get("apiResultData")  # a JSON text; the documents print an object
    inner = load_object(inner) if isinstance(inner, str) else as_object(inner, "apiResultData")
    code, detail = text(inner, "errorCode"), text(inner, "errorMsg")
    if text(inner, "success") == "true" and code in {"S0000", ""}:
        return optional(inner, "msgData")
    if code and code == but:
        return None
    if re.search("系统异常|超时|繁忙", detail):
        raise OutcomeUnknown(detail, code=code) if deed and "超时" in detail else Unavailable(detail, code=code)
    raise Refused(detail, code=code)
