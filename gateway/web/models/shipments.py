"""POST and PATCH /v1/shipments."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from gateway.domain import Status
from gateway.web.models.fields import (
    Amount,
    Country,
    Email,
    Id,
    Language,
    Model,
    Phone,
    Text,
    Time,
    TrackingNumber,
    Zone,
)

_MOST = 8192


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > _MOST:
        raise ValueError("metadata may be at most 8 KiB")
    return value


Metadata = Annotated[dict[Annotated[str, StringConstraints(max_length=64)], Any], AfterValidator(_small)]


class Place(Model):
    """An address. Only the country is needed; a booking needs the rest."""

    country: Country
    region: Text = ""
    city: Text = ""
    district: Text = ""
    postcode: Annotated[str, StringConstraints(max_length=16, strip_whitespace=True)] = ""
    address: Text = ""


class Consent(Model):
    marketing: bool = False


class Recipient(Model):
    """Who waits for it, and how they may be reached."""

    name: Text = ""
    phone: Phone | None = None
    email: Email | None = None
    wechat_openid: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{6,64}$")] | None = None
    locale: Language | None = None
    timezone: Zone | None = None
    consent: Consent = Consent()

    def known(self) -> dict[str, Any]:
        """What was given, as JSON values."""
        return self.model_dump(mode="json", exclude_none=True)


class Sender(Model):
    name: Text
    phone: Phone | None = None
    email: Email | None = None
    company: Text = ""


class Item(Model):
    name: Text
    quantity: int = Field(default=1, ge=1, le=100_000)
    weight_g: int | None = Field(default=None, gt=0)
    value: Amount | None = None


class Box(Model):
    """Grams and millimetres."""

    weight_g: int | None = Field(default=None, gt=0, le=2_000_000)
    length_mm: int | None = Field(default=None, gt=0, le=20_000)
    width_mm: int | None = Field(default=None, gt=0, le=20_000)
    height_mm: int | None = Field(default=None, gt=0, le=20_000)
    items: list[Item] = Field(default=[], max_length=500)


class BookingRef(Model):
    """The id it was booked under at the carrier."""

    reference: Id


class ShipmentIn(Model):
    """A shipment to watch. carrier absent: detected, never guessed in silence."""

    order_id: Id
    carrier: Id | None = None
    tracking_number: TrackingNumber
    service: Annotated[str, StringConstraints(max_length=40)] = ""
    origin: Place | None = None
    destination: Place | None = None
    promised_at: Time | None = None
    recipient: Recipient = Recipient()
    sender: Sender | None = None
    value: Amount | None = None
    parcel: Box = Box()
    booking: BookingRef | None = None
    metadata: Metadata = {}


class BatchIn(Model):
    """Up to 1,000 shipments, each answered on its own: what is wrong with one does not touch the others."""

    shipments: list[Any] = Field(min_length=1, max_length=1000)


class ShipmentPatch(Model):
    """Only what is given changes, inside recipient and metadata too; null takes a value away."""

    promised_at: Time | None = None
    recipient: Recipient | None = None
    metadata: Metadata | None = None
    value: Amount | None = None


class ShipmentQuery(Model):
    status: Status | None = None
    carrier: str | None = None
    order_id: str | None = None
    stalled: bool | None = None
    late: bool | None = None
    q: Annotated[str, StringConstraints(min_length=3, max_length=64)] | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None
