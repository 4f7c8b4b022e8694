"""The stand-ins of Aliyun, WeChat and WeCom through the real notifiers, and the mail relay through aiosmtplib."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import pytest

from gateway.contract.errors import OutcomeUnknown, RecipientInvalid, RecipientOptedOut, Refused, Unavailable
from gateway.contract.notifier import Found
from gateway.domain import Channel, MessageState, ProviderTemplate
from gateway.sandbox.providers.aliyun_wire import REFUSED, UNREACHABLE
from gateway.sandbox.providers.wechat import joined_sha1, seal
from gateway.sandbox.server import Sandbox
from gateway.sandbox.world import World
from notifiers.aliyun_sms import AliyunSmsNotifier
from notifiers.wechat_official_account import WechatOfficialAccountNotifier
from notifiers.wecom_robot import WecomRobotNotifier
from tests.sandbox.conftest import message

Plugin = Callable[..., Any]
SMS = ProviderTemplate(id="SMS_100000001", params={"no": "number", "days": "days"})
TPL = ProviderTemplate(
    id="TPL_DELIVERED_ZH",
    params={"character_string1": "number", "thing2": "carrier", "character_string3": "order"},
)
PARAMS = {"number": "SF1234567890123", "days": "5", "carrier": "顺丰速运", "order": "SO-1"}


def aliyun(plugin: Plugin, world: World, **more: Any) -> AliyunSmsNotifier:
    own = world.accounts
    notifier: AliyunSmsNotifier = plugin(
        AliyunSmsNotifier,
        "/aliyun",
        access_key_id=own.aliyun_access_key_id,
        access_key_secret=more.pop("secret", own.aliyun_access_key_secret),
        sign_name=own.aliyun_sign_name,
        settle_seconds=0,
    )
    return notifier


def wechat(plugin: Plugin, world: World) -> WechatOfficialAccountNotifier:
    own = world.accounts
    notifier: WechatOfficialAccountNotifier = plugin(
        WechatOfficialAccountNotifier,
        "/wechat",
        appid=own.wechat_appid,
        secret=own.wechat_secret,
        token=own.wechat_token,
        encoding_aes_key=own.wechat_encoding_aes_key,
    )
    return notifier


async def test_an_sms_is_sent_found_and_reported(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    notifier = aliyun(plugin, world)
    note = message(template=SMS, params=PARAMS)
    assert await notifier.find(note, "+8613800005514") is Found.NOT_SENT
    provider_id = await notifier.send(note, "+8613800005514")
    assert await notifier.find(note, "+8613800005514") is Found.SENT
    received = world.received(Channel.SMS, "13800005514")
    assert [one.provider_id for one in received] == [provider_id]
    assert "SF1234567890123已5天" in received[0].text

    push = sandbox.aliyun.receipt(received[0])
    notifier.verify(push)
    receipt = notifier.receipts(push)[0]
    assert (receipt.message_id, receipt.state) == ("m1", MessageState.DELIVERED)
    answer = notifier.acknowledge(push, accepted=True)
    assert sandbox.aliyun.accepted(answer.status, answer.body)


async def test_sms_numbers_can_be_refused_or_unreachable(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    notifier = aliyun(plugin, world)
    with pytest.raises(RecipientInvalid):
        await notifier.send(message(template=SMS, params=PARAMS), f"+861380000{REFUSED}")
    await notifier.send(message(template=SMS, params=PARAMS), f"+861380000{UNREACHABLE}")
    receipt = notifier.receipts(sandbox.aliyun.receipt(world.messages[-1]))[0]
    assert receipt.state is MessageState.FAILED


async def test_a_wrong_sms_secret_and_an_unknown_template_are_refused(plugin: Plugin, world: World) -> None:
    with pytest.raises(Refused) as forged:
        await aliyun(plugin, world, secret="another").send(message(template=SMS, params=PARAMS), "+8613800005514")
    assert forged.value.code == "SignatureDoesNotMatch"
    with pytest.raises(Refused) as unknown:
        await aliyun(plugin, world).send(message(template=ProviderTemplate(id="SMS_1")), "+8613800005514")
    assert unknown.value.code == "isv.SMS_TEMPLATE_ILLEGAL"
    assert world.messages == []


async def test_a_template_message_is_swallowed_when_repeated_within_a_minute(
    plugin: Plugin, world: World, sandbox: Sandbox, clock: Any
) -> None:
    notifier = wechat(plugin, world)
    note = message(template=TPL, params=PARAMS, link="https://shop.example/t/1")
    first = await notifier.send(note, "oCUSTOMER")
    assert first
    assert await notifier.send(note, "oCUSTOMER") == ""
    clock.advance(seconds=61)
    await notifier.send(note, "oCUSTOMER")
    assert len(world.effective("wechat.send")) == 2

    push = sandbox.wechat.receipt(world.messages[0])
    notifier.verify(push)
    receipt = notifier.receipts(push)[0]
    assert (receipt.provider_id, receipt.state) == (first, MessageState.DELIVERED)
    probe = sandbox.wechat.handshake()
    assert notifier.handshake(probe).body.decode() == probe.query["echostr"]


async def test_an_expired_wechat_token_is_fetched_anew(plugin: Plugin, world: World, sandbox: Sandbox) -> None:
    notifier = wechat(plugin, world)
    await notifier.send(message("a", template=TPL, params=PARAMS), "oCUSTOMER")
    sandbox.wechat.revoke()
    await notifier.send(message("b", template=TPL, params=PARAMS), "oCUSTOMER")
    assert [one.id for one in world.received(Channel.WECHAT)] == ["a", "b"]


@pytest.mark.parametrize(
    ("openid", "error"), [("oBLOCKED1", RecipientOptedOut), ("oUNKNOWN1", RecipientInvalid)], ids=["blocked", "unknown"]
)
async def test_wechat_refuses_who_does_not_follow(
    plugin: Plugin, world: World, openid: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await wechat(plugin, world).send(message(template=TPL, params=PARAMS), openid)


def test_safe_mode_seals_as_the_sheet_says() -> None:
    key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    sealed = seal("<xml><MsgID>1</MsgID></xml>", key, "wx0000000000000001", random=b"0123456789abcdef")
    assert sealed.startswith("Q3stYC6hdFzMh9T8HCvyDGxC9MYVUl8i")
    signature = joined_sha1("parcelToken2026", "1768464000", "1320562132", sealed)
    assert signature == "cd8791b76d041014c398c440e1432b4f009043be"


async def test_the_operators_room_takes_twenty_messages_a_minute(plugin: Plugin, world: World, clock: Any) -> None:
    robot = plugin(WecomRobotNotifier, "/wecom", key=world.accounts.wecom_key)
    for number in range(20):
        await robot.send(message(f"m{number}", subject="异常", text="停滞"), "ops")
    with pytest.raises(Unavailable):
        await robot.send(message("more", subject="异常"), "ops")
    clock.advance(seconds=61)
    await robot.send(message("later", subject="异常"), "ops")
    assert len(world.received(Channel.OPS)) == 21


def mail(identity: str, to: str = "li@example.com") -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "示例 <notice@example.com>", to, "包裹停滞了"
    letter["Message-ID"] = identity
    letter.set_content("您好：\n.点开头的行\nhttps://shop.example/t/1\n")
    letter.add_alternative("<p>您好</p>", subtype="html")
    return letter


async def posted(sandbox: Sandbox, letter: EmailMessage) -> Any:
    return await aiosmtplib.send(letter, hostname="127.0.0.1", port=sandbox.smtp_port, start_tls=False)


async def test_a_mail_arrives_and_can_be_looked_up(world: World, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await posted(sandbox, mail("<abc@gw.example>"))
    received = world.received(Channel.EMAIL, "li@example.com")[0]
    assert (received.title, received.link) == ("包裹停滞了", "https://shop.example/t/1")
    assert "\n.点开头的行\n" in received.text.replace("\r\n", "\n")
    assert "<p>您好</p>" in received.html
    found = await client.get("/mailpit/api/v1/search", params={"query": 'message-id:"<abc@gw.example>"'})
    assert [row["MessageID"] for row in found.json()["messages"]] == ["abc@gw.example"]
    none = await client.get("/api/v1/search", params={"query": 'message-id:"other@gw.example"'})
    assert none.json()["messages_count"] == 0


@pytest.mark.parametrize(("to", "code"), [("nobody@example.com", 550), ("full@example.com", 452)])
async def test_mailboxes_refuse_with_their_code(world: World, sandbox: Sandbox, to: str, code: int) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await posted(sandbox, mail("<x@gw.example>", to))
    assert refused.value.recipients[0].code == code
    assert world.messages == []


async def test_a_greylisted_mailbox_takes_the_second_try(world: World, sandbox: Sandbox) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await posted(sandbox, mail("<x@gw.example>", "greylist@example.com"))
    await posted(sandbox, mail("<x@gw.example>", "greylist@example.com"))
    assert len(world.messages) == 1


async def test_a_lost_answer_after_data_leaves_the_mail_in_the_box(world: World, sandbox: Sandbox) -> None:
    world.fail("mail", "send", 1, "drop", acted=True)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await posted(sandbox, mail("<x@gw.example>"))
    assert len(world.messages) == 1


async def test_a_lost_answer_of_an_sms_is_an_unknown_outcome(plugin: Plugin, world: World) -> None:
    notifier = aliyun(plugin, world)
    world.fail("aliyun", "send", 1, "drop", acted=True)
    note = message(template=SMS, params=PARAMS)
    with pytest.raises(OutcomeUnknown):
        await notifier.send(note, "+8613800005514")
    assert await notifier.find(note, "+8613800005514") is Found.SENT
