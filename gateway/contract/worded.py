"""What a no means by its words, for providers that publish no list of error codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.contract.carrier import CarrierSettings
from gateway.contract.errors import ContractError, OutcomeUnknown, Refused, Unavailable


class WordedSettings(CarrierSettings):
    """Words of a no, in lower case; an operator who meets another one adds it.

    config_words: a person mends it. limit_words: too many calls, rest `limit_rest` seconds. busy_words: not done, try
    again. lost_words: try again, of a deed nobody knows whether it was done. nothing_words: no such waybill (yet).
    again_words: it was done before.
    """

    config_words: tuple[str, ...] = (
        *("签名", "验签", "授权", "鉴权", "接口权限", "白名单"),
        *("signature", "sign error", "invalid sign", "digest", "unauthorized"),
    )
    limit_words: tuple[str, ...] = ("频率", "频繁", "限流", "次数", "too many", "rate limit")
    limit_rest: float = 60
    busy_words: tuple[str, ...] = ("繁忙", "稍后", "不可用", "busy", "unavailable")
    lost_words: tuple[str, ...] = ("超时", "系统异常", "系统错误", "timeout", "timed out", "system error")
    nothing_words: tuple[str, ...] = (
        *("查无此单", "无轨迹", "无物流", "查询结果为空", "单号不存在", "订单不存在"),
        *("未查询到轨迹", "未查询到物流", "未查询到运单", "未查询到订单"),
    )
    again_words: tuple[str, ...] = ("重复", "已存在", "已订阅", "已拦截", "已取消", "已经取消")


def worded(settings: WordedSettings, code: str, said: str, *, deed: bool = False) -> ContractError:
    """What a no inside an HTTP 200 means by what it says."""
    low, said = said.lower(), said or "no reason given"
    if _has(low, settings.config_words):
        return Refused(said, code=code, config=True)
    if _has(low, settings.limit_words):
        return Unavailable(said, code=code, retry_after=settings.limit_rest)
    if _has(low, settings.lost_words):
        return OutcomeUnknown(said, code=code) if deed else Unavailable(said, code=code)
    if _has(low, settings.busy_words):
        return Unavailable(said, code=code)
    return Refused(said, code=code)


def is_nothing(settings: WordedSettings, no: Refused) -> bool:
    """Whether a no says that there is nothing (yet)."""
    return _has(no.detail.lower(), settings.nothing_words)


def is_again(settings: WordedSettings, no: Refused) -> bool:
    """Whether a no says that it was done before."""
    return _has(no.detail.lower(), settings.again_words)


@contextmanager
def taken(settings: WordedSettings, key: str) -> Iterator[None]:
    """Around a booking: a no that says that there is such an order is not a no to this booking."""
    try:
        yield
    except Refused as no:
        if no.config or not is_again(settings, no):
            raise
        raise OutcomeUnknown(f"order {key} is taken: {no.detail}", code=no.code) from no


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)
