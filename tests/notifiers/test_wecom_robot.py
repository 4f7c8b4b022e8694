"""WeCom robot: the limit in bytes, foreign text that stays text, and a key nobody ever reads."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract import ContractError, OutcomeUnknown, Refused, Unavailable
from notifiers.wecom_robot import LIMIT, WecomRobotNotifier, cut, escaped, markdown, problem
from tests.notifiers.providers import Provider, made, message

KEY = "00000000-made-up0-key0-000000000000"
OK = {"errcode": 0, "errmsg": "ok"}


def robot(*answers: Any) -> tuple[WecomRobotNotifier, Provider]:
    provider = Provider(*answers)
    return made(WecomRobotNotifier, provider, {"key": KEY}), provider


async def test_a_message_is_one_markdown_post() -> None:
    ops, provider = robot(OK)
    assert await ops.send(message(subject="12 票停滞", text="承运商：顺丰", link="https://gw.test/s/1"), "ops") == ""
    [asked] = provider.asked
    assert str(asked.url) == f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
    content = "**12 票停滞**\n承运商：顺丰\n[https://gw.test/s/1](https://gw.test/s/1)"
    assert json.loads(asked.content) == {"msgtype": "markdown", "markdown": {"content": content}}


@pytest.mark.parametrize(
    ("address", "called"),
    [("", []), ("ops", []), ("ops@example.com", []), ("@zhang.san", ["zhang.san"]), ("@a, @b", ["a", "b"])],
)
async def test_only_addresses_with_an_at_call_somebody(address: str, called: list[str]) -> None:
    ops, provider = robot(OK)
    await ops.send(message(), address)
    content = json.loads(provider.asked[0].content)["markdown"]["content"]
    assert content.count("<@") == len(called)
    assert all(f"<@{user}>" in content for user in called)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_foreign_text_calls_nobody(text: str) -> None:
    assert "<@" not in markdown(message(subject=text, text=text), [])


@pytest.mark.parametrize("mark", "*_`><[]\\")
def test_markup_in_foreign_text_is_shown_as_it_is(mark: str) -> None:
    assert escaped(f"a{mark}b") == f"a\\{mark}b"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(3, 120))
def test_a_cut_keeps_whole_characters_within_the_bytes(text: str, room: int) -> None:
    kept = cut(escaped(text), room)
    assert len(kept.encode()) <= room
    assert kept == escaped(text) or (kept.endswith("…") and escaped(text).startswith(kept[:-1]))
    tail = kept.removesuffix("…")
    assert (len(tail) - len(tail.rstrip("\\"))) % 2 == 0


def test_a_long_text_is_cut_and_the_link_is_kept() -> None:
    content = markdown(message(text="延" * 5000, link="https://gw.test/s/1"), ["zhangsan"])
    assert LIMIT - 3 < len(content.encode()) <= LIMIT
    assert content.endswith("…\n[https://gw.test/s/1](https://gw.test/s/1)\n<@zhangsan>")


@pytest.mark.parametrize("code", ["93000", "93004", "93008"])
def test_a_robot_that_is_gone_calls_a_person(code: str) -> None:
    error = problem(code, "said")
    assert isinstance(error, Refused)
    assert error.config


@pytest.mark.parametrize("code", ["40058", "44004", "40008", "45002", "99999"])
def test_trouble_of_one_message_leaves_the_channel_open(code: str) -> None:
    error = problem(code, "said")
    assert isinstance(error, Refused)
    assert not error.config


@pytest.mark.parametrize(("code", "wait"), [("45009", 60), ("-1", None)])
def test_what_passes_is_waited_for(code: str, wait: float | None) -> None:
    error = problem(code, "said")
    assert isinstance(error, Unavailable)
    assert error.retry_after == wait


@pytest.mark.parametrize("answer", [b"", b"<html>", {}, {"errcode": None}, {"errcode": []}])
async def test_an_answer_nobody_can_read_leaves_the_outcome_unknown(answer: Any) -> None:
    ops, _ = robot(answer)
    with pytest.raises(OutcomeUnknown):
        await ops.send(message(), "")


URL = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError(f"cannot reach {URL}"),
        httpx.ReadTimeout(f"no answer from '{URL}'"),
        (404, f"no such page: {URL}".encode()),
        {"errcode": 93000, "errmsg": f"invalid webhook url {URL}"},
    ],
)
async def test_the_key_is_in_no_error_no_traceback_and_no_log(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ops, _ = robot(answer)
    with pytest.raises(ContractError) as caught:
        await ops.send(message(), "")
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.detail
    assert KEY not in shown + str(getattr(caught.value, "body", b"")) + caplog.text


async def test_the_log_of_a_success_shows_where_it_went_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ops, _ = robot(OK)
    await ops.send(message(), "")
    assert "/cgi-bin/webhook/send?key=***" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(ops.settings)


def test_the_key_is_needed() -> None:
    with pytest.raises(ValidationError, match="key"):
        WecomRobotNotifier.Settings.model_validate({"key": ""})
