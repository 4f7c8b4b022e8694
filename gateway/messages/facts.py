"""What a message may speak of: the parameters of every template, in the reader's language and zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency

from gateway.domain import Status
from gateway.privacy import link_token
from gateway.runtime import Runtime
from gateway.tracking.change import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a message is about. shipment: None for a case of an order alone. coupon: a row of the ledger.

    person: the recipient as registered, or the customer an order system named. cause, carrier: of what operators are
    told, where there is no case or it is another cause than the case's own.
    """

    shipment: Snapshot | None
    person: Mapping[str, Any] = field(default_factory=dict)
    cause: str | None = None
    carrier: str | None = None
    place: str = ""
    case: Any = None
    coupon: Any = None


def parameters(rt: Runtime, about: Subject, *, locale: str, zone: str, now: datetime) -> dict[str, str]:
    """Every name a template may use; what does not apply is an empty text. Amounts and dates are already formatted."""
    shipment, case, coupon = about.shipment, about.case, about.coupon
    carrier = shipment.carrier if shipment else getattr(case, "carrier", None) or about.carrier or ""
    return {
        "name": about.person.get("name") or "",
        "order_id": shipment.order_id if shipment else getattr(case, "order_id", ""),
        "number": shipment.tracking_number if shipment else "",
        "carrier": rt.carriers[carrier].name(locale) if carrier in rt.carriers else carrier,
        "status_text": rt.words.status(locale, shipment.status) if shipment else "",
        "reason_text": rt.words.reason(locale, shipment.reason) if shipment and shipment.reason else "",
        "days": str(_days(shipment, now)) if shipment else "",
        "place": about.place,
        "promised": _moment(shipment.promised_at if shipment else None, locale, zone),
        "link": _link(rt, shipment, now),
        "coupon_code": coupon.code if coupon else "",
        "coupon_amount": _amount(coupon.amount, coupon.currency, locale) if coupon else "",
        "coupon_until": _moment(coupon.expires_at if coupon else None, locale, zone, clock=False),
        "case_id": case.id if case else "",
        "case_kind": case.kind if case else "",
        "severity": case.severity if case else "",
        "cause": about.cause or (case.cause if case else ""),
    }


def recipient(shipment: Snapshot | None) -> Mapping[str, Any]:
    """The recipient as registered; empty when there is none."""
    return (shipment.document.get("recipient") or {}) if shipment else {}


def _days(shipment: Snapshot, now: datetime) -> int:
    """Whole days since the parcel showed progress, or waits where it is; at least one."""
    waits = shipment.status is Status.AVAILABLE_FOR_PICKUP
    since = (shipment.since if waits else shipment.progress_at) or shipment.created_at
    return max(1, (now - since) // timedelta(days=1))


def _link(rt: Runtime, shipment: Snapshot | None, now: datetime) -> str:
    if shipment is None:
        return rt.public_url
    until = now + timedelta(days=rt.policies.messages.link_days)
    return f"{rt.public_url}/t/{link_token(rt.secret, shipment.id, until)}"


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _moment(at: datetime | None, locale: str, zone: str, *, clock: bool = True) -> str:
    if at is None:
        return ""
    shown = at.astimezone(ZoneInfo(zone))
    day = format_date(shown, "long", locale=_locale(locale))
    return f"{day} {format_time(shown, 'short', tzinfo=ZoneInfo(zone), locale=_locale(locale))}" if clock else day


def _amount(amount: str, currency: str, locale: str) -> str:
    return format_currency(Decimal(amount), currency, locale=_locale(locale))
