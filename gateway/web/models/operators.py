"""What operators write."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.domain import CaseState, Reason, Status
from gateway.web.listing import Page
from gateway.web.models.fields import Amount, Id, Model, Text, Time
from gateway.web.models.shipments import Box, Place, Recipient

Note = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)]


class CaseQuery(Page):
    state: CaseState | None = None
    kind: str | None = None
    owner: str | None = None
    order_id: str | None = None
    shipment_id: str | None = None
    overdue: bool | None = None


class AssignIn(Model):
    owner: Id
    due_at: Time | None = None
    note: Note = ""


class NoteIn(Model):
    note: Note = ""


class CommentIn(Model):
    note: Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class AnswerIn(Model):
    """remedy: the id of the one meant; absent: every one that waits."""

    remedy: Id | None = None
    note: Note = ""


class ExceptionIn(Model):
    """What another system saw go wrong."""

    order_id: Id
    kind: Literal[
        "out_of_stock", "low_stock", "payment_failed", "address_invalid", "phone_invalid", "complaint", "other"
    ]
    detail: Text = ""
    customer: Recipient | None = None
    items: list[dict[str, Any]] = Field(default=[], max_length=500)
    at: Time | None = None


class IncidentIn(Model):
    """declare: a strike, a flood. end: it is over."""

    action: Literal["declare", "end"]
    cause: Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)] = "declared"


class ChooseIn(Model):
    """carrier: the one that is asked for. order_id: the same one chooses the same."""

    order_id: Id | None = None
    carrier: Id | None = None
    origin: Place
    destination: Place
    service: Annotated[str, StringConstraints(max_length=40)] = ""
    parcel: Box = Box()
    value: Amount | None = None
    promised_at: Time | None = None


class MappingIn(Model):
    status: Status
    reason: Reason | None = None


class InboxQuery(Page):
    """state: quarantined ones could not be read."""

    state: Literal["waiting", "read", "quarantined"] | None = None
    carrier: str | None = None


class CouponQuery(Page):
    state: Literal["issued", "withdrawn", "redeemed", "expired", "refused"] | None = None
    order_id: str | None = None


class MessageQuery(Page):
    state: Literal["queued", "held", "sent", "delivered", "failed", "dropped"] | None = None
    shipment_id: str | None = None
    case_id: str | None = None
    channel: Literal["sms", "email", "wechat", "ops"] | None = None


class KeyIn(Model):
    role: Literal["storefront", "merchant", "ops", "admin"]
    label: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
