"""What is said, on which channel, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    WECHAT = "wechat"
    OPS = "ops"  #: a room of operators, never a customer


class MessageKind(StrEnum):
    TRANSACTIONAL = "transactional"  #: about a parcel the customer waits for
    PROMOTIONAL = "promotional"  #: a coupon is one: needs marketing consent


class MessageState(StrEnum):
    QUEUED = "queued"
    HELD = "held"  #: waits for the end of quiet hours
    SENT = "sent"  #: the provider took it
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"  #: decided against, with a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTemplate:
    """A template approved at the provider. params: its field -> our parameter; limits: field -> characters."""

    id: str
    params: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one address on one channel.

    id: ours, the provider's OutId, client_msg_id or Message-ID is made of it: the same on every try.
    params: the parameters by our names, already in the reader's language. template: the provider's approved
    template, where the provider wants one. link: the tracking page. in_reply_to: `id` of the first message about this.
    created_at: when it was decided, the first day on which a provider can be asked about it.
    """

    id: str
    locale: str
    subject: str = ""
    text: str = ""
    html: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    template: ProviderTemplate | None = None
    link: str = ""
    in_reply_to: str | None = None
    kind: MessageKind = MessageKind.TRANSACTIONAL
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider says became of a message. Either id is enough to find it; state moves forward only.

    opted_out / invalid: the address asked not to be written to / cannot be reached, whatever message it was.
    opted_in: it asks to be written to again (WeChat: follows again), which ends an earlier opted_out.
    suspect: it could not be reached this time; the second in a row (of two different messages) means invalid.
    """

    provider_id: str | None = None
    message_id: str | None = None
    state: MessageState | None = None
    code: str = ""
    detail: str = ""
    at: datetime | None = None
    address: str | None = None
    opted_out: bool = False
    opted_in: bool = False
    invalid: bool = False
    suspect: bool = False
