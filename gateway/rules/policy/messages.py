"""messages.yaml: what is news, to whom, on which channel, and when we keep quiet."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from gateway.domain import Channel, Reason, Status
from gateway.rules.policy.document import Document, Hours, LocalTime


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:  # KeyError: ZoneInfoNotFoundError is one
        raise ValueError(f"{value!r} is no time zone like Asia/Shanghai") from error
    return value


class QuietHours(Document):
    """In the recipient's zone. first > last runs over midnight."""

    first: LocalTime = time(22, 0)
    last: LocalTime = time(8, 0)


class News(Document):
    """What the customer is told when a shipment reaches a status. channels absent: the policy's chain.

    reasons: only for these (a status without a reason counts as `other`), absent: for all. Leave out those of which a
    playbook tells more.
    """

    template: str
    channels: tuple[Channel, ...] = ()
    send: Literal["chain", "all"] = "chain"
    reasons: tuple[Reason, ...] = ()
    urgent: bool = False  #: goes out in quiet hours too (a parcel at the door)
    stale_after_hours: Hours | None = None  #: sooner than the policy's, for what is soon no longer true


class MessagePolicy(Document):
    """languages: what we can write, the first is the last resort. stale_after_hours: older news is told to nobody."""

    languages: tuple[str, ...] = Field(default=("zh-CN", "en"), min_length=1)
    chain: tuple[Channel, ...] = (Channel.WECHAT, Channel.SMS, Channel.EMAIL)
    news: dict[Status, News] = {}
    quiet_hours: QuietHours | None = QuietHours()
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"  #: of recipients whose zone we do not know
    per_address_day: int | None = Field(default=6, ge=1)
    per_shipment_day: int | None = Field(default=4, ge=1)
    stale_after_hours: Hours = 24
    link_days: int = Field(default=30, ge=1, le=2_000)
