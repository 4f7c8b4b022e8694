"""A no that is told by its words alone, and documents of one level."""

from __future__ import annotations

import pytest

from gateway.contract.errors import BadPayload, OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import load_fields
from gateway.contract.worded import WordedSettings, is_nothing, taken, worded
from gateway.contract.writing import flat_xml

SETTINGS = WordedSettings(base_url="https://worded.test")


@pytest.mark.parametrize(
    ("said", "read", "deed"),
    [
        ("签名错误，请稍后重试", Refused, Refused),
        ("Invalid SIGN", Refused, Refused),
        ("访问频率超限", Unavailable, Unavailable),
        ("系统繁忙", Unavailable, Unavailable),
        ("处理超时，请稍后", Unavailable, OutcomeUnknown),
        ("", Refused, Refused),
    ],
)
def test_words_say_whom_to_call_and_what_a_deed_became(said: str, read: type, deed: type) -> None:
    assert type(worded(SETTINGS, "1", said)) is read
    assert type(worded(SETTINGS, "1", said, deed=True)) is deed


def test_a_limit_says_how_long_to_rest_and_a_wrong_secret_calls_a_person() -> None:
    limit, wrong = worded(SETTINGS, "1", "调用过于频繁"), worded(SETTINGS, "2", "验签失败")
    assert isinstance(limit, Unavailable)
    assert limit.retry_after == 60
    assert isinstance(wrong, Refused)
    assert wrong.config


@pytest.mark.parametrize(("said", "nothing"), [("暂无轨迹", True), ("暂无权限", False), ("未查询到客户", False)])
def test_nothing_yet_is_said_of_traces_never_of_permissions(said: str, nothing: bool) -> None:
    assert is_nothing(SETTINGS, Refused(said)) is nothing


def test_an_operator_may_add_a_word() -> None:
    more = WordedSettings(base_url="https://worded.test", busy_words=("打烊",))
    assert isinstance(worded(more, "1", "系统打烊"), Unavailable)


def test_an_order_that_is_there_is_not_a_no_to_its_booking() -> None:
    with pytest.raises(OutcomeUnknown), taken(SETTINGS, "k"):
        raise Refused("订单号重复", code="7")
    for no in (Refused("余额不足"), Refused("重复", config=True)):
        with pytest.raises(Refused), taken(SETTINGS, "k"):
            raise no


def test_one_level_is_read_as_it_is_written() -> None:
    said = {"success": "true", "reason": "a<b & c"}
    assert load_fields(flat_xml("Response", said)) == said
    assert load_fields(' {"success": true}') == {"success": True}
    for rubbish in ("", "<x", b"\xff", "[]", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'):
        with pytest.raises(BadPayload):
            load_fields(rubbish)
