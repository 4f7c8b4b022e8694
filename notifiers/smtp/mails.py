"""A message as a mail. The Message-ID is made of our message id, so that every try has the same."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from gateway.contract.errors import Refused
from gateway.domain import Channel, Message
from notifiers.smtp.addresses import plain
from notifiers.smtp.settings import SmtpSettings


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


def token(settings: SmtpSettings, message_id: str, address: str) -> str:
    """Left part of the Message-ID. A follow-up has to name its first message, whose template it does not know."""
    text = "|".join((settings.domain, message_id, Channel.EMAIL, "", address))
    return token_of(settings.message_id_key.get_secret_value(), text)


def message_id(settings: SmtpSettings, ours: str, address: str) -> str:
    """Without the angle brackets."""
    return f"{token(settings, ours, address)}@{settings.domain}"


def composed(settings: SmtpSettings, message: Message, recipient: str, address: str, now: datetime) -> bytes:
    """recipient: the address as it is sent. Raise Refused for an unsubscribe_url that is none."""
    mail = EmailMessage(policy=Mime(utf8=not recipient.isascii()))
    mail["From"], mail["To"], mail["Subject"] = settings.from_, recipient, plain(message.subject)
    mail["Date"], mail["Message-ID"] = format_datetime(now), f"<{message_id(settings, message.id, address)}>"
    mail["Auto-Submitted"], mail["X-Entity-Ref-ID"] = "auto-generated", message.id
    if message.in_reply_to:
        first = f"<{message_id(settings, message.in_reply_to, address)}>"
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
