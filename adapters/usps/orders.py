"""A parcel as a USPS label, and the booking in its answer (sheet f)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.usps.settings import UspsSettings
from gateway.contract.errors import Refused
from gateway.contract.reading import Fields, optional, required
from gateway.contract.signing import md5_hex
from gateway.contract.writing import INCH_MM, POUND_G, filled, measured
from gateway.domain import Booking, Parcel, Party

IMAGE = {"imageType": "PDF", "labelType": "4X6LABEL", "receiptOption": "NONE"}


def label(settings: UspsSettings, parcel: Parcel, now: datetime) -> dict[str, Any]:
    """Raise Refused for a parcel that leaves the country: its label needs customs data that we do not have."""
    countries = {parcel.sender.address.country, parcel.recipient.address.country}
    if countries != {"US"}:
        raise Refused(f"labels are booked within the United States only, not {' to '.join(sorted(countries))}")
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    package = {
        "mailClass": settings.services.get(parcel.service, parcel.service),
        "rateIndicator": settings.rate_indicator,
        "weightUOM": "lb",
        "weight": float(measured(parcel.weight_g, POUND_G)),
        "dimensionsUOM": "in",
        **{name: float(measured(side, INCH_MM)) for name, side in sides.items() if side is not None},
        "processingCategory": settings.processing_category,
        "mailingDate": f"{now:%Y-%m-%d}",
        "extraServices": [],
        "destinationEntryFacilityType": "NONE",
    }
    ends = {"toAddress": _address(parcel.recipient), "fromAddress": _address(parcel.sender)}
    return {"imageInfo": IMAGE, **ends, "packageDescription": package}


def roles(settings: UspsSettings) -> dict[str, Any]:
    """Who pays and who owns the label. Raise Refused without a payment account."""
    who = {"CRID": settings.crid, "MID": settings.mid, "accountNumber": settings.account_number}
    if missing := [name for name, value in who.items() if not value]:
        raise Refused(f"labels need the settings crid, mid and account_number; {missing[0]} is missing", config=True)
    account = {**who, "manifestMID": settings.manifest_mid or settings.mid, "accountType": settings.account_type}
    return {"roles": [{"roleName": role, **account} for role in ("PAYER", "LABEL_OWNER")]}


def booking(answer: Fields, key: str) -> Booking:
    """The vendor JSON is flat; parts of a multipart answer stand under their names."""
    metadata = optional(answer, "labelMetadata") or answer
    return Booking(tracking_number=required(metadata, "trackingNumber"), reference=key)


def idempotency_key(key: str) -> str:
    """USPS wants a random UUID: always the same one of a key."""
    return str(UUID(hex=md5_hex(key), version=4))


def _address(party: Party) -> dict[str, str]:
    """First and last name, or a firm where the name is one word."""
    at = party.address
    first, _, last = party.name.rpartition(" ")
    postcode, _, more = at.postcode.partition("-")
    who = {"firstName": first, "lastName": last if first else "", "firm": party.company or ("" if first else last)}
    where = {"streetAddress": at.address, "secondaryAddress": at.district, "city": at.city, "state": at.region}
    return filled({**who, **where, "ZIPCode": postcode, "ZIPPlus4": more})
