"""What a row of SMTP is set with."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, FilePath, field_validator, model_validator

from gateway.contract.notifier import NotifierSettings
from gateway.contract.secret import Secret
from notifiers.smtp.addresses import is_mailbox


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
        if value is None or is_mailbox(value):
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
