"""E-mail over SMTP with aiosmtplib, in explicit steps: only from DATA on can a lost answer mean that it was sent.

Sheet: notifiers/email-smtp.md. The Message-ID is made of our message id and is the same on every try, so mailboxes hide
a second copy and our own relay, where `lookup_url` names one, can be asked whether it has the first.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager, suppress
from email.utils import parseaddr
from functools import cached_property

from aiosmtplib import SMTP, SMTPException

from gateway.contract.errors import BadPayload, Refused
from gateway.contract.notifier import Found, Notifier
from gateway.contract.reading import load_object, required
from gateway.domain import Channel, Message
from notifiers.smtp.addresses import mailbox, plain, xtext
from notifiers.smtp.mails import composed, message_id, token
from notifiers.smtp.settings import SmtpSettings
from notifiers.smtp.wire import step


class SmtpNotifier(Notifier):
    """Mail over SMTP; a relay of our own can be asked."""

    code = "smtp"
    channel = Channel.EMAIL
    Settings = SmtpSettings

    async def send(self, message: Message, address: str) -> str:
        """The text of the last answer, in which relays name their queue id."""
        own, recipient = self.settings, mailbox(address)
        mail = composed(own, message, recipient, address, self.clock())
        client = SMTP(
            hostname=own.host, port=own.port, timeout=own.timeout_s, local_hostname=own.domain,
            use_tls=own.tls == "implicit", start_tls=False, tls_context=None if own.tls == "none" else self._trust,
        )  # fmt: skip
        try:
            await self._open(client)
            await self._envelope(client, message.id, recipient, token(own, message.id, address))
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
        query = f'message-id:"{message_id(self.settings, message.id, address)}"'
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

    async def _envelope(self, client: SMTP, envid: str, recipient: str, left: str) -> None:
        """MAIL and RCPT, asking for bounces where the server can (DSN, RFC 3461)."""
        sender = (self.settings.envelope_from or parseaddr(self.settings.from_)[1]).replace("{token}", left)
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

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.settings.ca_file)

    def _step(self, name: str) -> AbstractContextManager[None]:
        return step(name, self.settings.slower_texts)


def _wanted(client: SMTP, extension: str) -> None:
    if not client.supports_extension(extension):
        raise Refused(f"the server does not offer {extension.upper()}", config=True)
