"""What the world is made of: parcels and events of theirs, calls and messages that came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.contract.carrier import Reply
from gateway.domain import Channel, Reason, Status


class WaybillState(StrEnum):
    ORDERED = "ordered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a parcel. at: aware, in the place's own offset.

    code: the carrier's own word, sent verbatim; empty: the stand-in's usual word for `status` and `reason`. A code that
    nobody knows is said with a `code` and Status.UNKNOWN. serial: counts over the whole world, for event ids.
    """

    at: datetime
    status: Status = Status.UNKNOWN
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    place: str = ""
    serial: int = 0


@dataclass(slots=True, kw_only=True)
class Waybill:
    """A parcel as its carrier knows it. reference: the shop's order id. extra: what one provider needs of its own."""

    carrier: str
    number: str
    reference: str = ""
    phone: str = ""
    state: WaybillState = WaybillState.ORDERED
    created_at: datetime
    events: list[Event] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def handed_over(self) -> bool:
        """Whether the carrier has it, so that it can no longer be cancelled."""
        return any(event.status not in _BEFORE_HAND_OVER for event in self.events)


_BEFORE_HAND_OVER = frozenset({Status.PRE_TRANSIT, Status.INFO, Status.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request wants, before it is done. key: the idempotency key or reference it came with."""

    provider: str
    operation: str
    key: str = ""
    number: str = ""
    summary: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a stand-in did. effective: something changed (a first booking or message, not a swallowed repeat)."""

    reply: Reply
    effective: bool = False
    number: str = ""


@dataclass(slots=True, kw_only=True)
class Call:
    """One line of the log. outcome: `asked`, then `done` or `fault:<how>`; status: of the HTTP answer."""

    at: datetime
    provider: str
    operation: str
    key: str = ""
    number: str = ""
    summary: Mapping[str, object] = field(default_factory=dict)
    effective: bool = False
    outcome: str = "asked"
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """What a customer or an operator got. id: the gateway's (OutId, client_msg_id, Message-ID); provider_id: ours."""

    at: datetime
    provider: str
    channel: Channel
    to: str
    id: str = ""
    provider_id: str = ""
    template: str = ""
    title: str = ""
    text: str = ""
    html: str = ""
    link: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
