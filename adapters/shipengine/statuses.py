"""The tables of sheet (e): `status_code`, and the detail code beside it, which wins where it is listed.

The sheet's detail codes are the known part of some 75. Of the others, those are listed here that confirm a DE or deny
it, and the way back (ShipEngine's OpenAPI, `tracking_status_detail_code`). A DE with a detail in neither list is
UNKNOWN: finals need both words to agree.
"""

from __future__ import annotations

from gateway.contract.meanings import finer, table
from gateway.contract.reading import Fields, text
from gateway.domain import Reason, Status

STATUSES = {
    **table(
        ("AC", Status.PICKED_UP),  # pre_transit with the details of an announcement
        ("IT", Status.IN_TRANSIT),
        ("AT", Status.ATTEMPT_FAILED),
        ("SP", Status.AVAILABLE_FOR_PICKUP),
        ("DE", Status.DELIVERED),
        ("EX", Status.EXCEPTION, Reason.OTHER),
    ),
    **table(
        ("SHIPMENT_CREATED AWAITING_PICKUP_DROP_OFF ELEC_ADVICE_RECD_BY_CARRIER", Status.PRE_TRANSIT),
        ("DROPPED_OFF PICKED_UP RECEIVED_BY_CARRIER", Status.PICKED_UP),
        ("CUSTOMS_PROCESSING", Status.CUSTOMS),
        ("CUSTOMS_CLEARED HUB_SCAN_IN HUB_SCAN_OUT HUB_PROCESSING IN_TRANSIT INFORMATION", Status.IN_TRANSIT),
        ("PARCEL_OVER_LABELLED PARCEL_UPDATE_NOTIFICATION RECEIVED_LOCAL_DELIVERY_DEPOT", Status.IN_TRANSIT),
        ("SUB_CONTRACTOR_EVENT SUB_CONTRACTOR_RECEIVED PARCEL_REDIRECTED", Status.IN_TRANSIT),
        ("DELIVERY_SCHEDULED DELIVERY_ARRANGED_WITH_RECIPIENT DELIVERY_RESCHEDULED", Status.IN_TRANSIT),
        ("OUT_FOR_DELIVERY", Status.OUT_FOR_DELIVERY),
        ("ATTEMPTED_DELIVERY ATTEMPTED_DELIVERY_FINAL CUSTOMER_CARDED", Status.ATTEMPT_FAILED),
        ("AWAITING_COLLECTION_FROM_PICKUP_POINT", Status.AVAILABLE_FOR_PICKUP),
        ("COD_AMOUNT_NOT_PAID", Status.EXCEPTION, Reason.PAYMENT_DUE),
        ("COD_AMOUNT_PAID", Status.INFO),
    ),
    **table(  # not in the sheet
        ("DELIVERED DELIVERED_SPECIFIED_SAFE_PLACE DELIVERED_TO_NEIGHBOUR DELIVERED_TO_PO_BOX", Status.DELIVERED),
        ("PARCEL_COLLECTED_FROM_PICKUP_POINT", Status.DELIVERED),
        ("DELIVERED_TO_LOCKER_COLLECTION_POINT", Status.AVAILABLE_FOR_PICKUP),
        ("DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION", Status.AVAILABLE_FOR_PICKUP),  # "check for pickup details"
        ("DELIVERED_DAMAGED", Status.DELIVERED, Reason.DAMAGED),
        ("DELIVERED_IN_PART", Status.EXCEPTION, Reason.OTHER),
        ("RETURN_TO_SENDER", Status.RETURNING),
    ),
}
_SILENT = frozenset({"UN", "NY"})
_VAGUE = frozenset({"", "CARRIER_STATUS_NOT_MAPPED"})


def word(event: Fields) -> str | None:
    """The one of code and detail that counts; None where nothing is known (yet)."""
    code, fine = text(event, "status_code"), text(event, "status_detail_code")
    if code == "DE" and fine not in {*STATUSES, *_VAGUE}:  # `finer` would take any detail that begins with DE for one
        return fine
    return finer(STATUSES, code, "" if fine in _VAGUE else fine, _SILENT)
