"""SMTP against a real server in this process: which side of DATA a failure was on decides what it means."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from gateway.contract import ContractError, Found, OutcomeUnknown, RecipientInvalid, Refused, Unavailable
from gateway.domain import Message, MessageKind
from notifiers.smtp import SmtpNotifier
from notifiers.smtp.addresses import mailbox, xtext
from notifiers.smtp.mails import token_of
from notifiers.smtp.wire import problem
from tests.notifiers.mailserver import HANG_UP, PASSWORD, SILENCE, USER, Certificates, Script, greeting, mail_server
from tests.notifiers.providers import NOW, Provider, made, message, vectors

SETTINGS: dict[str, Any] = {
    "host": "127.0.0.1",
    "tls": "none",
    "from": "示例包裹 <notice@example.com>",
    "domain": "mail.example.com",
    "message_id_key": "message-id-key-example",
    "timeout_s": 5,
}
LOGIN: dict[str, Any] = {"username": USER, "password": PASSWORD}
TO = "customer@example.com"


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def notifier(port: int, provider: Provider | None = None, **settings: Any) -> SmtpNotifier:
    found: SmtpNotifier = made(SmtpNotifier, provider or Provider({}), {**SETTINGS, "port": port, **settings})
    return found


async def sent(script: Script, told: Message | None = None, to: str = TO, **settings: Any) -> str:
    async with mail_server(script) as port:
        return await notifier(port, **settings).send(told or message(), to)


# the mail


async def test_a_mail_as_it_arrives() -> None:
    script = Script()
    told = message(html="<p>包裹已5天没有更新</p>", in_reply_to="evt_FIRST")
    assert await sent(script, told) == "2.0.0 Ok: queued as 4XyZ"
    [mail] = script.mails
    assert mail["From"] == "示例包裹 <notice@example.com>"
    assert (mail["To"], mail["Subject"]) == (TO, "包裹停滞")
    assert mail["Date"].datetime == NOW
    assert (mail["Auto-Submitted"], mail["X-Entity-Ref-ID"]) == ("auto-generated", "evt_01J9Z0STALL")
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in mail.iter_parts()] == [told.text, told.html]
    assert "List-Unsubscribe" not in mail
    assert script.envelopes[0].mail_from == "notice@example.com"
    assert script.envelopes[0].rcpt_tos == [TO]


async def test_the_same_message_has_the_same_id_and_a_follow_up_names_it() -> None:
    script = Script()
    for told in (message(), message(), message(id="evt_SECOND", in_reply_to="evt_01J9Z0STALL")):
        await sent(script, told)
    first, again, follow_up = script.mails
    left, _, right = first["Message-ID"].strip("<>").partition("@")
    assert (len(left), right) == (32, "mail.example.com")
    assert first["Message-ID"] == again["Message-ID"] != follow_up["Message-ID"]
    assert follow_up["In-Reply-To"] == follow_up["References"] == first["Message-ID"]


def test_vector_of_the_message_id() -> None:
    vector = vectors("smtp")["message_id"]
    assert token_of(vector["key"], vector["text"]) == vector["left_part"]


async def test_ids_and_links_stay_whole_however_long() -> None:
    script = Script()
    link = "https://gw.example.com/u/" + "T" * 200
    told = message(in_reply_to="evt_FIRST", params={"unsubscribe_url": link}, kind=MessageKind.PROMOTIONAL)
    await sent(script, told, domain="a-domain-with-quite-a-long-name.notifications.example.com")
    raw = script.envelopes[0].content or b""
    assert isinstance(raw, bytes)
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert f"References: {script.mails[0]['In-Reply-To']}\r\n".encode() in raw


async def test_everything_is_seven_bit_in_short_lines() -> None:
    script = Script()
    await sent(script, message(text="延误" * 3000, html="<p>" + "延误" * 3000 + "</p>", subject="包裹" * 100))
    raw = script.envelopes[0].content or b""
    assert isinstance(raw, bytes)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78


async def test_line_breaks_in_a_subject_are_no_headers() -> None:
    script = Script()
    await sent(script, message(subject="Delayed\r\nBcc: all@example.com\x00\u2028!\ud800"))
    assert script.mails[0]["Subject"] == "Delayed Bcc: all@example.com !?"
    assert "Bcc" not in script.mails[0]


async def test_an_unsubscribe_link_that_is_none_is_not_left_out_silently() -> None:
    script = Script()
    with pytest.raises(Refused, match="unsubscribe_url"):
        await sent(script, message(params={"unsubscribe_url": "javascript:x"}))
    assert script.connections == 0


async def test_bounces_carry_the_token_and_our_id_where_the_server_can() -> None:
    script = Script(extensions=["DSN"])
    await sent(script, to="a+b=c@example.com", envelope_from="b+{token}@bounce.example.com")
    token = script.mails[0]["Message-ID"].strip("<>").split("@")[0]
    assert script.envelopes[0].mail_from == f"b+{token}@bounce.example.com"
    assert script.dsn == [
        *("RET=HDRS", "ENVID=evt_01J9Z0STALL", "NOTIFY=FAILURE,DELAY"),
        "ORCPT=rfc822;a+2Bb+3Dc@example.com",
    ]


def test_xtext() -> None:
    assert xtext("a+b=c d~!") == "a+2Bb+3Dc+20d~!"


# addresses


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a b@c.d", "a@b.c,d@e.f", "a@b.c\r\nRSET", "<a@b.c>", "a@b..c"]
)
async def test_an_address_that_is_none_is_invalid_before_anybody_is_asked(address: str) -> None:
    script = Script()
    with pytest.raises(RecipientInvalid):
        await sent(script, to=address)
    assert script.connections == 0


async def test_a_domain_outside_ascii_goes_in_its_ascii_form() -> None:
    script = Script()
    await sent(script, to="kunde@例子.中国")
    assert script.envelopes[0].rcpt_tos == ["kunde@xn--fsqu00a.xn--fiqs8s"] == [mailbox("kunde@例子.中国")]


async def test_a_mailbox_outside_ascii_needs_a_server_that_takes_it() -> None:
    script = Script(extensions=["SMTPUTF8"])
    await sent(script, to="müller@example.com")
    assert script.envelopes[0].rcpt_tos == ["müller@example.com"]
    with pytest.raises(Refused, match="SMTPUTF8") as caught:
        await sent(Script(), to="müller@example.com")
    assert not caught.value.config


# which side of DATA


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", [HANG_UP, SILENCE])
async def test_a_line_that_breaks_before_data_means_not_sent(command: str, how: str) -> None:
    with pytest.raises(Unavailable):
        await sent(Script({command: how}), timeout_s=0.3)


@pytest.mark.parametrize("how", [HANG_UP, SILENCE, "250-half an answer", "no code at all"])
async def test_a_line_that_breaks_after_data_means_nobody_knows(how: str) -> None:
    with pytest.raises(OutcomeUnknown):
        await sent(Script({"DATA": how}), timeout_s=0.3)


async def test_nobody_listening_means_not_sent() -> None:
    async with greeting("") as port:
        pass
    with pytest.raises(Unavailable):
        await notifier(port).send(message(), TO)


@pytest.mark.parametrize("line", ["", "554 5.7.1 go away", "421 too many connections", "what?"])
async def test_a_bad_greeting_means_not_sent(line: str) -> None:
    async with greeting(line) as port:
        with pytest.raises(Unavailable):
            await notifier(port).send(message(), TO)


async def test_a_goodbye_that_fails_does_not_unsend_a_mail() -> None:
    class Rude(Script):
        async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            return await self._answer(server, "QUIT", "")

    script = Rude({"QUIT": HANG_UP})
    assert await sent(script) == "2.0.0 Ok: queued as 4XyZ"
    assert len(script.mails) == 1


@pytest.mark.parametrize(
    ("command", "reply", "error", "expected"),
    [
        ("MAIL", "451 4.3.0 try again", Unavailable, {"retry_after": 300, "code": "4.3.0"}),
        ("MAIL", "550 5.7.1 sender not allowed", Refused, {"config": True}),
        ("MAIL", "553 mail from must equal authorized user", Refused, {"config": True}),
        ("MAIL", "555 parameters not recognized", Refused, {"config": False}),
        ("RCPT", "450 4.2.1 greylisted", Unavailable, {"retry_after": 300}),
        ("RCPT", "452 4.2.2 mailbox full", Unavailable, {"retry_after": 3600}),
        ("RCPT", "421 4.7.28 unusual rate", Unavailable, {"retry_after": 300}),
        ("RCPT", "421 closing", Unavailable, {"retry_after": 60}),
        ("RCPT", "550 5.1.1 no such user", RecipientInvalid, {"code": "5.1.1"}),
        ("RCPT", "550 5.2.1 disabled", RecipientInvalid, {}),
        ("RCPT", "553 mailbox name not allowed", RecipientInvalid, {}),
        ("RCPT", "550 5.2.2 over quota", Unavailable, {"retry_after": 86400}),
        ("RCPT", "550 requested action not taken", Refused, {"config": False}),
        ("RCPT", "550 5.7.1 relaying denied", Refused, {"config": True}),
        ("DATA", "421 4.3.2 shutting down", Unavailable, {"retry_after": 60}),
        ("DATA", "552 5.3.4 message too big", Refused, {"config": False}),
        ("DATA", "554 5.7.1 looks like SPAM", Refused, {"config": False}),
        ("DATA", "550 5.7.26 unauthenticated", Refused, {"config": True}),
        ("DATA", "550 5.1.1 no such user", RecipientInvalid, {}),
        ("DATA", "554 daily sending quota exceeded", Unavailable, {"retry_after": 300}),
    ],
)
async def test_what_a_reply_means(
    command: str, reply: str, error: type[ContractError], expected: dict[str, Any]
) -> None:
    script = Script({command: reply})
    with pytest.raises(error) as caught:
        await sent(script)
    assert type(caught.value) is error
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert script.mails == []


async def test_a_provider_of_its_own_ways_has_its_own_words_for_slower() -> None:
    script = Script({"RCPT": "550 Ip frequency limited"})
    with pytest.raises(Refused):
        await sent(script)
    with pytest.raises(Unavailable):
        await sent(script, slower_texts=["frequency limited"])


@pytest.mark.parametrize("code", ["5.1.0", "5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"])
def test_enhanced_codes_of_a_mailbox_that_is_not_there(code: str) -> None:
    assert isinstance(problem("rcpt", 550, f"{code} said"), RecipientInvalid)
    assert isinstance(problem("mail", 550, f"{code} said"), Refused)


@pytest.mark.parametrize("said", ["5.7.1", "5.7.8", "5.7.9", "5.7.25", "5.7.26"])
def test_enhanced_codes_of_policy_are_never_the_recipients_fault(said: str) -> None:
    error = problem("rcpt", 550, f"{said} <customer@example.com> said")
    assert isinstance(error, Refused)
    assert error.config
    assert "customer@" not in str(error)


@pytest.mark.parametrize("code", [530, 534, 535])
@pytest.mark.parametrize("step", ["auth", "mail", "rcpt"])
def test_missing_authentication_calls_a_person(code: int, step: str) -> None:
    error = problem(step, code, "authentication required, too many of these")
    assert isinstance(error, Refused)
    assert error.config


@pytest.mark.parametrize("code", [501, 503, 555])
def test_our_own_mistakes_leave_the_channel_open(code: int) -> None:
    error = problem("rcpt", code, "said")
    assert isinstance(error, Refused)
    assert not error.config


@pytest.mark.parametrize(("code", "passes"), [(421, True), (454, True), (432, False), (535, False)])
def test_a_refused_login_is_not_hammered(code: int, passes: bool) -> None:
    assert isinstance(problem("auth", code, "said"), Unavailable if passes else Refused)


# TLS and login


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_mail_and_password_go_over_tls_only(tls: str, trust: Certificates) -> None:
    script = Script()
    async with mail_server(script, tls=tls, trust=trust) as port:
        await notifier(port, tls=tls, ca_file=trust.ca_file, **LOGIN).send(message(), TO)
    assert script.logins == [("PLAIN", True)]
    assert len(script.mails) == 1


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_nobody_vouches_for_calls_a_person(tls: str, trust: Certificates) -> None:
    script = Script()
    async with mail_server(script, tls=tls, trust=trust) as port:
        with pytest.raises(Refused, match=r"(?i)certificate") as caught:
            await notifier(port, tls=tls, **LOGIN).send(message(), TO)
    assert caught.value.config
    assert script.logins == []


async def test_a_server_without_starttls_gets_neither_mail_nor_password() -> None:
    script = Script()
    with pytest.raises(Refused, match="STARTTLS") as caught:
        await sent(script, tls="starttls", **LOGIN)
    assert caught.value.config
    assert (script.mails, script.logins) == ([], [])


async def test_a_wrong_password_is_tried_once() -> None:
    script = Script()
    with pytest.raises(Refused) as caught:
        await sent(script, username=USER, password="another")
    assert caught.value.config
    assert len(script.logins) == 1


async def test_another_method_is_used_where_plain_is_not_offered() -> None:
    script = Script(without=["PLAIN"])
    await sent(script, **LOGIN)
    assert script.logins == [("LOGIN", False)]


async def test_a_server_that_offers_no_login_calls_a_person() -> None:
    script = Script(without=["PLAIN", "LOGIN"])
    with pytest.raises(Refused, match="auth") as caught:
        await sent(script, **LOGIN)
    assert caught.value.config


# looking it up


@pytest.mark.parametrize(("count", "found"), [(0, Found.NOT_SENT), (1, Found.SENT), (2, Found.SENT)])
async def test_our_relay_knows_what_it_took(count: int, found: Found) -> None:
    script, relay = Script(), Provider({"messages_count": count})
    await sent(script)
    smtp = notifier(25, relay, lookup_url="https://relay.test/mailpit/")
    assert await smtp.find(message(), TO) is found
    [asked] = relay.asked
    assert asked.url.path == "/mailpit/api/v1/search"
    assert asked.url.params["query"] == f'message-id:"{script.mails[0]["Message-ID"].strip("<>")}"'


async def test_without_a_relay_to_ask_nobody_can_tell() -> None:
    assert await notifier(25).find(message(), TO) is Found.CANNOT_TELL


async def test_a_relay_that_is_down_is_asked_again_later() -> None:
    relay = Provider(httpx.ReadTimeout("no answer"))
    with pytest.raises(Unavailable):
        await notifier(25, relay, lookup_url="https://relay.test").find(message(), TO)


# settings


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_text_stays_in_the_house(host: str) -> None:
    assert notifier(25, host=host).settings.host == host


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"host": "smtp.example.com"}, "tls"),
        ({"host": "10.0.0.1"}, "tls"),
        ({"tls": "maybe"}, "tls"),
        ({"username": "somebody"}, "username and password"),
        ({"password": "something"}, "username and password"),
        ({"password": ""}, "password"),
        ({"message_id_key": ""}, "message_id_key"),
        ({"from": "nobody"}, "from"),
        ({"from": "Müller <müller@example.com>"}, "from"),
        ({"from": "a@b.c\r\nBcc: d@e.f"}, "from"),
        ({"envelope_from": "x"}, "envelope_from"),
        ({"domain": "two words"}, "domain"),
        ({"port": 0}, "port"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"slower_texts": ["("]}, "slower_texts"),
        ({"lookup_url": "relay"}, "lookup_url"),
    ],
)
def test_settings_name_what_is_wrong(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        SmtpNotifier.Settings.model_validate({**SETTINGS, "port": 25, **change})


def test_a_ca_file_that_holds_no_certificate_is_found_before_the_first_mail(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(ValidationError, match="ca_file"):
        SmtpNotifier.Settings.model_validate({**SETTINGS, "port": 25, "ca_file": tmp_path / "ca.pem"})


def test_secrets_are_not_shown() -> None:
    assert PASSWORD not in repr(notifier(25, **LOGIN).settings)


def test_trust_is_checked_against_the_host() -> None:
    context = notifier(465, tls="implicit")._trust
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
