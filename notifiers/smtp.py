"""E-mail over SMTP with aiosmtplib, in explicit steps: only from DATA on can a lost answer mean that it was sent.

Sheet: notifiers/email-smtp.md. The Message-ID is made of our message id and is the same on every try, so mailboxes hide
a second copy and our own relay, where `lookup_url` names one, can be asked whether it has the first.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPResponseException
from pydantic import ConfigDict, Field, FilePath, field_validator, model_validator

from gateway.contract import Found, Notifier, NotifierSettings, Secret, Unavailable
from gateway.contract.errors import BadPayload, ContractError, OutcomeUnknown, RecipientInvalid, Refused
from gateway.contract.reading import load_object, required
from gateway.domain import Channel, Message

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Seconds to wait after a transient answer, by enhanced (RFC 3463) or basic code; others: a minute.
WAIT = {"4.2.2": HOUR, "4.7.1": 5 * MINUTE, "4.7.28": 5 * MINUTE, "450": 5 * MINUTE, "451": 5 * MINUTE, "452": HOUR}
#: No such mailbox or domain, moved, disabled.
NO_MAILBOX = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
#: Policy, SPF, DKIM, DMARC, no PTR, authentication: never the recipient's fault.
CONFIG = frozenset({"5.7.1", "5.7.8", "5.7.9", "5.7.25", "5.7.26", "530", "534", "535"})
PROTOCOL = frozenset({501, 503, 555})  #: our own mistake
SPAM = re.compile(r"spam|junk|content", re.I)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,64}@[\w\-]+(\.[\w\-]+)*")


class SmtpSettings(NotifierSettings):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"]  #: usually with 465, with 587, and for loopback hosts only
    ca_file: FilePath | None = None  #: of a private certificate authority
    username: str | None = Field(default=None, min_length=1)
    password: Secret | None = None
    from_: str = Field(alias="from")  #: "Name <notice@example.com>"
    envelope_from: str | None = None  #: where bounces go; {token} becomes the left part of the Message-ID
    domain: str = Field(pattern=r"^[A-Za-z0-9.\-]+$")  #: right part of the Message-ID, and our name in EHLO
    message_id_key: Secret
    lookup_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")  #: where our relay's Mailpit answers
    #: regular expressions: what a relay says behind a 5xx when it means "slower" (providers differ)
    slower_texts: tuple[re.Pattern[str], ...] = (re.compile(r"(?i)\b(quota|rate)\b|too many"),)
    timeout_s: float = Field(default=20, gt=0)

    @field_validator("from_", "envelope_from")
    @classmethod
    def _one_mailbox(cls, value: str | None) -> str | None:
        box = parseaddr(value or "")[1]
        if value is None or (_ADDRESS.fullmatch(box) and box.isascii() and not _CONTROL.search(value)):
            return value
        raise ValueError("is not an e-mail address in ASCII")

    @field_validator("ca_file")
    @classmethod
    def _certificate(cls, value: Path | None) -> Path | None:
        try:
            ssl.create_default_context(cafile=value)
        except ssl.SSLError as error:
            raise ValueError(f"holds no certificate: {error.reason}") from error
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.tls == "none" and not _loopback(self.host):
            raise ValueError("tls: none is accepted for loopback hosts only; use implicit or starttls")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password: give both or neither")
        return self


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Smtp(Notifier):
    code = "smtp"
    channel = Channel.EMAIL
    Settings = SmtpSettings

    async def send(self, message: Message, address: str) -> str:
        """The text of the last answer, in which relays name their queue id."""
        own, recipient = self.settings, mailbox(address)
        token = self._token(message.id, address)
        mail = self._composed(message, recipient, token, address)
        client = SMTP(
            hostname=own.host, port=own.port, timeout=own.timeout_s, local_hostname=own.domain,
            use_tls=own.tls == "implicit", start_tls=False, tls_context=None if own.tls == "none" else self._trust,
        )  # fmt: skip
        try:
            await self._open(client)
            await self._envelope(client, message.id, recipient, token)
            with self._step("data"):
                answer = await client.data(mail)
            with suppress(SMTPException, OSError):  # a failed goodbye does not unsend it
                await client.quit()
        finally:
            client.close()
        return plain(answer.message)[:128]

    async def find(self, message: Message, address: str) -> Found:
        """Whether our relay has the Message-ID (Mailpit: GET /api/v1/search)."""
        if self.settings.lookup_url is None:
            return Found.CANNOT_TELL
        query = f'message-id:"{self._token(message.id, address)}@{self.settings.domain}"'
        url = f"{self.settings.lookup_url.rstrip('/')}/api/v1/search"
        count = required(load_object((await self.http.get(url, params={"query": query})).content), "messages_count")
        if not count.isdecimal():
            raise BadPayload("messages_count: is not a number")
        return Found.SENT if int(count) else Found.NOT_SENT

    async def _open(self, client: SMTP) -> None:
        """Connect, say hello, and log in with one method once: providers lock accounts that are tried often."""
        own = self.settings
        with self._step("connect"):
            await client.connect()
        with self._step("ehlo"):
            await client.ehlo()
        if own.tls == "starttls":
            with self._step("starttls"):
                _wanted(client, "starttls")
                await client.starttls()
                await client.ehlo()
        if own.username is not None:
            methods = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
            offered = [method for name, method in methods.items() if name in client.supported_auth_methods]
            if not offered:
                raise Refused("auth: the server offers no method we know", config=True)
            with self._step("auth"):
                await offered[0](own.username, own.password.get_secret_value())

    async def _envelope(self, client: SMTP, envid: str, recipient: str, token: str) -> None:
        """MAIL and RCPT, asking for bounces where the server can (DSN, RFC 3461)."""
        sender = (self.settings.envelope_from or parseaddr(self.settings.from_)[1]).replace("{token}", token)
        dsn, foreign = client.supports_extension("dsn"), not recipient.isascii()
        if foreign and not client.supports_extension("smtputf8"):
            raise Refused("rcpt: the server takes no address outside ASCII (SMTPUTF8)")  # the next channel can help
        mail = ["RET=HDRS", f"ENVID={xtext(envid)}"] if dsn else []
        rcpt = ["NOTIFY=FAILURE,DELAY"] if dsn else []
        rcpt += [f"ORCPT=rfc822;{xtext(recipient)}"] if dsn and not foreign else []
        with self._step("mail"):
            await client.mail(sender, options=mail + (["SMTPUTF8"] if foreign else []))
        with self._step("rcpt"):
            await client.rcpt(recipient, options=rcpt, encoding="utf-8")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """What a failure of one step means."""
        try:
            yield
        except SMTPResponseException as error:
            if name == "data" and not (isinstance(error, SMTPDataError) and error.code >= 400):
                raise OutcomeUnknown(f"data: {error.message}"[:300]) from error
            raise problem(name, error.code, error.message, self.settings.slower_texts) from error
        except (SMTPException, OSError) as error:
            if name == "data":
                raise OutcomeUnknown(f"data: {error}") from error
            if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
                raise Refused(f"{name}: {error}", config=True) from error
            raise Unavailable(f"{name}: {error}") from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.settings.ca_file)

    def _token(self, message_id: str, address: str) -> str:
        """Left part of the Message-ID. A follow-up has to name its first message, whose template it does not know."""
        text = "|".join((self.settings.domain, message_id, Channel.EMAIL, "", address))
        return token_of(self.settings.message_id_key.get_secret_value(), text)

    def _composed(self, message: Message, recipient: str, token: str, address: str) -> bytes:
        mail = EmailMessage(policy=Mime(utf8=not recipient.isascii()))
        mail["From"], mail["To"], mail["Subject"] = self.settings.from_, recipient, plain(message.subject)
        mail["Date"], mail["Message-ID"] = format_datetime(self.clock()), f"<{token}@{self.settings.domain}>"
        mail["Auto-Submitted"], mail["X-Entity-Ref-ID"] = "auto-generated", message.id
        if message.in_reply_to:
            first = f"<{self._token(message.in_reply_to, address)}@{self.settings.domain}>"
            mail["In-Reply-To"], mail["References"] = first, first
        unsubscribe = message.params.get("unsubscribe_url", "")
        if unsubscribe and not re.fullmatch(r"https?://[!-;=?-~]+", unsubscribe):
            raise Refused("unsubscribe_url: is not a URL")
        if unsubscribe:
            mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"] = f"<{unsubscribe}>", "List-Unsubscribe=One-Click"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail.as_bytes()


class Mime(EmailPolicy):
    """CRLF and 7 bit. Ids and URLs stay whole: folding would turn long ones into encoded words nobody follows."""

    linesep = "\r\n"
    cte_type = "7bit"

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in {"in-reply-to", "references", "list-unsubscribe"}:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


def token_of(key: str, text: str) -> str:
    """32 hex digits of HMAC-SHA256 over `tenant|event|channel|template|recipient`."""
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()[:32]


def mailbox(address: str) -> str:
    """The address as it is sent: a domain outside ASCII in its IDNA form. Raise RecipientInvalid."""
    try:
        local, domain = address.rsplit("@", 1)
        ascii_address = f"{local}@{domain.encode('idna').decode()}"
    except ValueError:
        ascii_address = ""
    if not _ADDRESS.fullmatch(ascii_address):
        raise RecipientInvalid("the address is not an e-mail address")
    return ascii_address


def plain(value: str) -> str:
    """One line without control characters and half characters: a place with a line break is no poison."""
    return _CONTROL.sub(" ", value.encode("utf-8", "replace").decode()).strip()


def xtext(value: str) -> str:
    """RFC 3461: `+`, `=` and what is not printable, as +HH. value: ASCII."""
    return re.sub(r"[^!-*,-<>-~]", lambda match: f"+{ord(match[0]):02X}", value)


def _wanted(client: SMTP, extension: str) -> None:
    if not client.supports_extension(extension):
        raise Refused(f"the server does not offer {extension.upper()}", config=True)


def problem(step: str, code: int, said: str, slower: Iterable[re.Pattern[str]] = ()) -> ContractError:
    """What a reply means. The enhanced code at the start of the text is better than the basic one."""
    match = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)", said)
    enhanced, basic = match[0] if match else "", str(code)
    word = enhanced or basic
    detail = f"{step}: {code} {re.sub(r'[^ <]+@', '*@', plain(said))[:300]}"
    envelope = step in {"rcpt", "data"}
    if step == "connect" or (code < 500 and (step != "auth" or code in {421, 454})):
        return Unavailable(detail, code=word, retry_after=WAIT.get(enhanced) or WAIT.get(basic) or MINUTE)
    if envelope and (enhanced in NO_MAILBOX or (code == 553 and not enhanced.startswith("5.7"))):
        return RecipientInvalid(detail, code=word)
    if enhanced == "5.2.2":  # full: once more on the next day
        return Unavailable(detail, code=word, retry_after=DAY)
    if step != "auth" and any(pattern.search(said) for pattern in slower):
        return Unavailable(detail, code=word, retry_after=5 * MINUTE)
    spam = code == 554 and enhanced.startswith("5.7") and SPAM.search(said)
    if spam or (code in PROTOCOL and (envelope or step == "mail")):
        return Refused(detail, code=word)
    return Refused(detail, code=word, config=not envelope or enhanced in CONFIG or basic in CONFIG)
