"""What answers about cases, money, messages and keys look like."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from gateway.domain import CaseState, Channel, DeedKind, DeedState, MessageState
from gateway.web.models.listed import Listed, Money


class Remedy(BaseModel):
    id: str
    kind: DeedKind
    state: DeedState
    attempts: int
    result: Any
    reason: str | None
    due_at: datetime | None
    ended_at: datetime | None
    plan: dict[str, Any] | None


class CaseEvent(BaseModel):
    at: datetime
    who: str
    what: str
    detail: Any


class CaseBrief(BaseModel):
    """phase: warn was noticed, stall is acted upon. evidence: the rule and what it counted."""

    id: str
    kind: str
    state: CaseState
    phase: Literal["warn", "stall"]
    severity: str
    order_id: str
    shipment_id: str | None
    carrier: str | None
    owner: str | None
    due_at: datetime | None
    overdue: bool
    opened_at: datetime
    closed_at: datetime | None
    cause: str
    evidence: dict[str, Any]


class Case(CaseBrief):
    remedies: list[Remedy]
    timeline: list[CaseEvent]


class Cases(Listed):
    items: list[CaseBrief]


class Coupon(BaseModel):
    id: str
    code: str | None
    kind: Literal["coupon", "points", "refund_request"]
    amount: Money
    state: Literal["issued", "withdrawn", "redeemed", "expired", "refused"]
    reason: str | None
    order_id: str
    case_id: str
    shipment_id: str | None
    tier: str
    issued_at: datetime
    expires_at: datetime | None
    policy_version: int


class Coupons(Listed):
    items: list[Coupon]


class MessageOut(BaseModel):
    """Without the address."""

    id: str
    channel: Channel
    notifier: str
    template: str
    locale: str
    kind: str
    state: MessageState
    reason: str | None
    order_id: str | None
    shipment_id: str | None
    case_id: str | None
    provider_id: str | None
    created_at: datetime
    sent_at: datetime | None
    updated_at: datetime


class Messages(Listed):
    items: list[MessageOut]


class AuditLine(BaseModel):
    id: int
    at: datetime
    who: str
    what: str
    subject: str
    detail: Any


class Audit(Listed):
    items: list[AuditLine]


class Key(BaseModel):
    id: str
    role: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


class Keys(Listed):
    items: list[Key]


class NewKey(BaseModel):
    """key: shown this once."""

    id: str
    role: str
    label: str
    created_at: datetime
    key: str
