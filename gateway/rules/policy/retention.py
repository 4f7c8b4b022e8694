"""retention.yaml: how long what is over is kept. The ledger, suppressions, policies and keys are kept for ever."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.rules.policy.document import Document

#: Days; None (null): for ever.
Days = Annotated[float, Field(ge=1)] | None
Weeks = Annotated[float, Field(ge=7)] | None


class Retention(Document):
    """Days since the last change of what is over; null: for ever.

    shipments_days: a shipment that has ended, or is not watched, with its legs, scans, schedules, closed cases, deeds
    and messages. cases_days: closed cases of an order alone. messages_days: messages, with address and text.
    inbox_read_days, inbox_quarantined_days: raw pushes. deeds_days, failed_deeds_days: deeds of no case (news, events,
    subscriptions) that were done or dropped, that were refused or died. audit_days: who changed what.
    answers_days: first answers kept for an Idempotency-Key.
    """

    shipments_days: Annotated[float, Field(ge=90)] | None = 400
    cases_days: Annotated[float, Field(ge=90)] | None = 400
    messages_days: Weeks = 180
    inbox_read_days: Days = 30
    inbox_quarantined_days: Weeks = 180
    deeds_days: Weeks = 30
    failed_deeds_days: Weeks = 180
    audit_days: Annotated[float, Field(ge=90)] | None = 1100
    answers_days: Days = 7
