"""The contract of a notifier: one file that speaks one provider of one channel."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict

from gateway.contract.carrier import Push, Reply
from gateway.contract.errors import BadSignature
from gateway.domain import Channel, Message, Receipt


class NotifierSettings(BaseModel):
    """Names of the fields follow the provider's own words. Every provider has a base_url or a host of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Found(StrEnum):
    """What a provider knows about a message whose sending got no answer."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    CANNOT_TELL = "cannot_tell"


class Notifier(ABC):
    """Sends one message to one address. Raises only `ContractError`s; a no hidden inside HTTP 200 is still a no."""

    code: ClassVar[str]  #: == file name
    channel: ClassVar[Channel]
    Settings: ClassVar[type[NotifierSettings]]
    needs_template: ClassVar[bool] = False  #: the provider sends only templates it has approved
    #: seconds during which the provider itself swallows a repeat of the same message id; 0: never
    repeat_safe_for: ClassVar[float] = 0
    trusted_path: ClassVar[bool] = False  #: receipts are not signed: the row must have a webhook_token

    def __init__(
        self,
        settings: Any,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        nonce: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.settings = settings
        self.http = http
        self.clock = clock
        self.nonce = nonce

    @abstractmethod
    async def send(self, message: Message, address: str) -> str:
        """Send, and give the provider's id (empty when it has none)."""

    async def find(self, message: Message, address: str) -> Found:
        """Whether a message whose answer was lost has been sent. Asked before it is sent again."""
        return Found.CANNOT_TELL

    def verify(self, request: Push) -> None:
        """Raise BadSignature unless a receipt is authentic. Closed by default."""
        raise BadSignature(f"{self.code} takes no receipts")

    def receipts(self, request: Push) -> list[Receipt]:
        """What a verified receipt says. Raise BadPayload for anything that is not the documented shape."""
        return []

    def acknowledge(self, request: Push, *, accepted: bool) -> Reply:
        """The exact answer this provider expects."""
        return Reply(body=b"")

    def handshake(self, request: Push) -> Reply:
        """The answer to a GET on the receipt address (WeChat's server check). Raise BadSignature for a stranger."""
        raise BadSignature(f"{self.code} has no handshake")
