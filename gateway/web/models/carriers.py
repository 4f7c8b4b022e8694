"""What answers about carriers, codes, pushes and policies look like."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, RootModel

from gateway.domain import Reason, Status
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Routes, Stalls
from gateway.web.models.listed import Listed

Circuit = Literal["closed", "open", "half_open"]


class Incident(BaseModel):
    """kind: silent (found by us) or declared (by an operator)."""

    id: str
    kind: str
    cause: str
    who: str
    opened_at: datetime


class Quota(BaseModel):
    """Calls of the account in the last `seconds`, of those it may make in as many."""

    used: int
    limit: int
    seconds: float


class Backlog(BaseModel):
    """Pushes that are unread, questions that are due."""

    pushes: int
    polls: int


class CarrierOut(BaseModel):
    """backlog: pushes and polls together, `queue` tells them apart. last_heard_at: last push or answered poll."""

    code: str
    name: str
    can: list[str]
    circuit: Circuit
    circuit_since: datetime | None
    incident: Incident | None
    last_heard_at: datetime | None
    last_pushed_at: datetime | None
    failures: int
    last_error: str | None
    backlog: int
    queue: Backlog
    unknown_codes: int
    quota: Quota


class CarriersOut(Listed):
    items: list[CarrierOut]


class RankedCarrier(BaseModel):
    """reasons: asked_for, backup:<route>, same_country, on_time:<share>, probe."""

    carrier: str
    name: str
    service: str
    reasons: list[str]
    circuit: Circuit
    incident: bool


class PassedOver(BaseModel):
    carrier: str
    name: str
    why: str
    circuit: Circuit | None
    incident: bool


class ChosenRoute(BaseModel):
    id: str
    mode: Literal["auto", "ask", "off"]
    backups: list[str]


class Chosen(BaseModel):
    """carriers: best first. skipped: considered and passed over. route: the one that matched."""

    carriers: list[RankedCarrier]
    skipped: list[PassedOver]
    route: ChosenRoute | None


class InboxItem(BaseModel):
    """bytes: of the raw body. carrier: its code, or notifiers/<name> for a delivery receipt."""

    id: int
    carrier: str
    received_at: datetime
    state: Literal["waiting", "read", "quarantined"]
    reason: str | None
    bytes: int


class InboxItems(Listed):
    items: list[InboxItem]


class Unmapped(BaseModel):
    carrier: str
    carrier_code: str
    count: int
    first_seen: datetime
    last_seen: datetime
    samples: list[str]


class UnmappedCodes(Listed):
    items: list[Unmapped]


class Mapping(BaseModel):
    carrier: str
    carrier_code: str
    status: Status
    reason: Reason | None


class RoutesOut(Routes):
    """version: what a write names in If-Match."""

    version: int = Field(default=0, ge=0)


class StallsOut(Stalls):
    version: int = Field(default=0, ge=0)


class PlaybooksOut(Playbooks):
    version: int = Field(default=0, ge=0)


class CompensationOut(Compensation):
    version: int = Field(default=0, ge=0)


class MessagePolicyOut(MessagePolicy):
    version: int = Field(default=0, ge=0)


class PolicyOut(RootModel[StallsOut | PlaybooksOut | CompensationOut | MessagePolicyOut]):
    """The document of the name, with its version."""


class PolicyVersion(BaseModel):
    version: int
    author: str
    at: datetime
    diff: str


class Versions(Listed):
    items: list[PolicyVersion]


class Ready(BaseModel):
    status: Literal["ok", "degraded"]
    checks: dict[str, str]
