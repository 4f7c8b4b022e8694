"""What answers about shipments look like: the OpenAPI document is made of them. Fields may be added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from gateway.domain import Basis, Confidence, Reason, Source, Status
from gateway.web.models.listed import Listed, Money
from gateway.web.models.shipments import BookingRef, Box, Place, Recipient, Sender


class CarrierName(BaseModel):
    """name: in the reader's language."""

    code: str
    name: str


class ScanOut(BaseModel):
    """at: local time with its offset; time_basis says how the offset is known.

    learned_at: when the gateway heard of it. learned_late: that was much later (polling.yaml, `late_hours`), as after
    pushes were lost: nobody was told of it as of something new.
    """

    at: datetime
    time_basis: Basis
    status: Status
    reason: Reason | None
    inferred: bool
    text: str
    place: str
    carrier_code: str
    source: Source
    learned_at: datetime
    learned_late: bool


class TrackedLeg(BaseModel):
    """scans: newest first."""

    carrier: CarrierName
    tracking_number: str
    status: Status
    reason: Reason | None
    current: bool
    scans: list[ScanOut]


class Eta(BaseModel):
    earliest: datetime | None
    latest: datetime | None
    basis: str


class Tracking(BaseModel):
    """What a storefront shows. sequence rises with each change."""

    tracking_number: str
    carrier: CarrierName
    order_id: str
    status: Status
    reason: Reason | None
    status_text: str
    reason_text: str | None
    since: datetime | None
    promised_at: datetime | None
    eta: Eta | None
    stalled: bool
    late: bool
    delivered_at: datetime | None
    sequence: int
    updated_at: datetime
    legs: list[TrackedLeg]


class Candidate(BaseModel):
    carrier: str
    name: str


class Candidates(BaseModel):
    """The number is known under several carriers: ask again with `carrier`."""

    candidates: list[Candidate]


class Ambiguous(Candidates):
    number: str


class Trackings(BaseModel):
    items: list[Tracking]
    not_found: list[str]
    ambiguous: list[Ambiguous]


class OrderTracking(BaseModel):
    order_id: str
    items: list[Tracking]


class LegOut(BaseModel):
    """One carrier's attempt. closed_why: cancelled or superseded (by us), final (by the carrier)."""

    id: str
    carrier: CarrierName
    tracking_number: str
    reference: str
    status: Status
    opened_at: datetime
    closed_at: datetime | None
    closed_why: str | None
    heard_at: datetime | None
    polled_at: datetime | None


class ShipmentBrief(BaseModel):
    """A shipment without the person."""

    id: str
    order_id: str
    carrier: CarrierName
    tracking_number: str
    service: str
    status: Status
    reason: Reason | None
    since: datetime | None
    promised_at: datetime | None
    delivered_at: datetime | None
    stalled: bool
    late: bool
    watching: bool
    sequence: int
    created_at: datetime
    updated_at: datetime


class Detected(BaseModel):
    """A carrier that the number may be of. tracking_number: as it would track it. reasons: the form in words, then
    check_digit, check_digit_wrong, more_than_the_number or misread; "aggregator <row> said so" where one was asked."""

    carrier: str
    name: str
    tracking_number: str
    confidence: Confidence
    reasons: list[str]


class Shipment(ShipmentBrief):
    """A shipment with its legs, and as it was registered. detected: how the carrier was told, when none was named."""

    legs: list[LegOut]
    origin: Place | None = None
    destination: Place | None = None
    recipient: Recipient | None = None
    sender: Sender | None = None
    value: Money | None = None
    parcel: Box | None = None
    booking: BookingRef | None = None
    metadata: dict[str, Any] | None = None
    detected: list[Detected] | None = None


class Shipments(Listed):
    items: list[ShipmentBrief]


class FieldError(BaseModel):
    field: str
    problem: str


class Registered(BaseModel):
    """201 or 200 with the shipment, or the status and the problems of this one."""

    status: int
    shipment: Shipment | None = None
    detail: str | None = None
    errors: list[FieldError] | None = None
    candidates: list[Detected] | None = None
    notes: list[str] | None = None


class Batch(BaseModel):
    items: list[Registered]
