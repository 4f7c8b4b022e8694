"""Yes and no in 快递鸟's answers: `Success`, a `Reason` in words and, of orders, a `ResultCode` (sheet c)."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any

from adapters.kdniao.settings import KdniaoSettings
from gateway.contract.errors import ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import SHANGHAI, required, text

#: No plan or quota for this command, and our signature: every call is refused until a person mends it.
_CONFIG = "没有可用套餐|签名|非法参数"
_NOTHING_YET = "无物流信息|无轨迹"


def agreed(answer: dict[str, Any], settings: KdniaoSettings, now: datetime, *, deed: bool, fine: str) -> dict[str, Any]:
    """The answer, where it is a yes or has the ResultCode `fine`. Raise what its no means."""
    yes, code = required(answer, "Success").lower() == "true", text(answer, "ResultCode")
    if (yes and code in {"100", ""}) or (code and code == fine):
        return answer
    raise _no(code, text(answer, "Reason"), settings, now, deed=deed)


def is_nothing_yet(no: Refused) -> bool:
    """Whether a no says that there are no traces (yet)."""
    return bool(re.search(_NOTHING_YET, no.detail))


def is_cancelled(no: Refused) -> bool:
    """Whether a no says that it was cancelled before."""
    return bool(re.search("已取消|已经取消|重复取消", no.detail))


def _no(code: str, said: str, settings: KdniaoSettings, now: datetime, *, deed: bool) -> ContractError:
    if re.search(_CONFIG, said) or code in settings.config_codes:
        return Refused(said or "no reason given", code=code, config=True)
    if any(word in said for word in settings.daily_words):
        return Unavailable(said, code=code, retry_after=_until_midnight(now))
    if any(word in said for word in settings.busy_words):
        return Unavailable(said, code=code, retry_after=1)
    if "系统错误" in said or code in settings.again_codes:  # of a deed nobody knows whether it was done
        return OutcomeUnknown(said, code=code) if deed else Unavailable(said, code=code)
    return Refused(said or "no reason given", code=code)


def _until_midnight(now: datetime) -> float:
    """Seconds until the day's quota begins again, in Beijing."""
    here = now.astimezone(SHANGHAI)
    return (datetime.combine(here.date() + timedelta(days=1), time(), SHANGHAI) - here).total_seconds()
