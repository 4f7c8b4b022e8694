"""How UPS writes: errors, shipments, activities, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from gateway.contract.carrier import Reply
from gateway.domain import Status
from gateway.sandbox.carriers.words import UPS_CODES, meaning
from gateway.sandbox.records import Event, Waybill
from gateway.sandbox.wire import text_of

Data = Mapping[str, object]


def problem(status: int, code: str, message: str) -> Reply:
    return Reply.json({"response": {"errors": [{"code": code, "message": message}]}}, status=status)


def blocked() -> Reply:
    return problem(403, "250003", "Blocked Merchant")


def inside(source: Data, *names: str) -> Data:
    """The object at a path of names; {} when there is none."""
    for name in names:
        inner = source.get(name)
        source = inner if isinstance(inner, dict) else {}
    return source


def reference_in(body: Data) -> str:
    """What a ship request is found by later: its reference number, else the customer context."""
    shipment = inside(body, "ShipmentRequest", "Shipment")
    for holder in (shipment, first_of(shipment.get("Package"))):
        number = text_of(first_of(holder.get("ReferenceNumber")), "Value")
        if number:
            return number
    return text_of(inside(body, "ShipmentRequest", "Request", "TransactionReference"), "CustomerContext")


def first_of(value: object) -> Data:
    """The object, or the first object of a list: UPS takes both."""
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, dict) else {}


def shipment_of(waybill: Waybill) -> dict[str, object]:
    label = {"ImageFormat": {"Code": "PNG"}, "GraphicImage": ""}
    results = {
        "ShipmentIdentificationNumber": waybill.number,
        "ShipmentCharges": {"TotalCharges": {"CurrencyCode": "USD", "MonetaryValue": "12.40"}},
        "PackageResults": [{"TrackingNumber": waybill.number, "ShippingLabel": label}],
    }
    return {"ShipmentResponse": {"Response": {"ResponseStatus": {"Code": "1"}}, "ShipmentResults": results}}


def tracking_of(number: str, waybill: Waybill | None) -> dict[str, object]:
    if waybill is None or not waybill.events:
        warning = {"code": "TW0001", "message": "Tracking Information Not Found"}
        return {"trackResponse": {"shipment": [{"inquiryNumber": number, "warnings": [warning]}]}}
    newest = sorted(waybill.events, key=lambda one: one.at, reverse=True)
    activity = [activity_of(event) for event in newest]
    package = {
        "trackingNumber": number,
        "currentStatus": {"code": codes_of(newest[0])[2], "description": newest[0].text},
        "packageCount": 1,
        "activity": activity,
    }
    if newest[0].status is Status.DELIVERED:
        package["deliveryDate"] = [{"type": "DEL", "date": newest[0].at.strftime("%Y%m%d")}]
    return {"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [package]}]}}


def codes_of(event: Event) -> tuple[str, str, str]:
    """type, code, statusCode. An event's own code is the three-digit one."""
    return ("I", "", event.code) if event.code else meaning(UPS_CODES, event)


def activity_of(event: Event) -> dict[str, object]:
    kind, code, detail = codes_of(event)
    gmt, offset = event.at.astimezone(UTC), event.at.strftime("%z")
    return {
        "date": event.at.strftime("%Y%m%d"),
        "time": event.at.strftime("%H%M%S"),
        "gmtDate": gmt.strftime("%Y%m%d"),
        "gmtTime": gmt.strftime("%H:%M:%S"),
        "gmtOffset": f"{offset[:3]}:{offset[3:5]}",
        "location": {"address": {"city": event.place, "countryCode": "US"}},
        "status": {"type": kind, "code": code, "statusCode": detail, "description": event.text},
    }


def alert_of(waybill: Waybill, event: Event) -> dict[str, object]:
    """The alert writes its offset with a dot and the detail as descriptionCode."""
    kind, code, detail = codes_of(event)
    gmt, offset = event.at.astimezone(UTC), event.at.strftime("%z")
    delivered = event.status is Status.DELIVERED
    return {
        "trackingNumber": waybill.number,
        "localActivityDate": event.at.strftime("%Y%m%d"),
        "localActivityTime": event.at.strftime("%H%M%S"),
        "activityLocation": {"city": event.place, "stateProvince": "", "postalCode": "", "country": "US"},
        "activityStatus": {"type": kind, "code": code, "description": event.text, "descriptionCode": detail},
        "actualDeliveryDate": event.at.strftime("%Y%m%d") if delivered else "",
        "actualDeliveryTime": event.at.strftime("%H%M%S") if delivered else "",
        "gmtActivityDate": gmt.strftime("%Y%m%d"),
        "gmtActivityTime": gmt.strftime("%H%M%S"),
        "gmtOffset": f"{offset[:3]}.{offset[3:5]}",
    }
