"""What is sent, from whom to whom, and how a carrier knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in major units of an ISO 4217 currency. Never a float."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """country: ISO 3166-1 alpha-2. region is the province or state, district the 区/县."""

    country: str
    region: str = ""
    city: str = ""
    district: str = ""
    postcode: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A sender or a recipient. phone: E.164."""

    name: str
    phone: str = ""
    email: str = ""
    company: str = ""
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    name: str
    quantity: int = 1
    weight_g: int | None = None
    value: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a booking needs. Weights in grams, lengths in millimetres."""

    order_id: str
    sender: Party
    recipient: Party
    service: str = ""
    weight_g: int = 1000
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    value: Money | None = None
    items: tuple[Item, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What a carrier answered to a booking. reference: the id under which it can be cancelled there."""

    tracking_number: str
    reference: str
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRef:
    """What an adapter is told about a leg it shall poll, subscribe, cancel or intercept.

    company: what this adapter's provider calls the carrier (alias), for aggregators. phone: E.164 of the recipient
    (or sender), for carriers that want the last four digits. reference: the id under which the leg was booked.
    extra: what `Booking.extra` held.
    """

    carrier: str
    tracking_number: str
    company: str | None = None
    phone: str = ""
    reference: str = ""
    service: str = ""
    origin: str = ""
    destination: str = ""
    extra: dict[str, str] = field(default_factory=dict)
