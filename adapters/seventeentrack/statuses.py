"""The sub-statuses of sheet (e), their main words, and the stages of sheet (c)."""

from __future__ import annotations

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Status

#: Of main words without a sub-status, those that may speak for one that is not listed.
_MAIN = table(
    ("InfoReceived", Status.PRE_TRANSIT),
    ("InTransit", Status.IN_TRANSIT),
    ("AvailableForPickup", Status.AVAILABLE_FOR_PICKUP),
    ("OutForDelivery", Status.OUT_FOR_DELIVERY),
    ("DeliveryFailure Exception", Status.EXCEPTION, Reason.OTHER),
    ("Delivered", Status.DELIVERED),  # only when `latest_status` says so too
)
_SUB = table(
    ("InTransit_PickedUp", Status.PICKED_UP),
    ("InTransit_Other InTransit_Departure InTransit_Arrival InTransit_CustomsReleased", Status.IN_TRANSIT),
    ("InTransit_CustomsProcessing", Status.CUSTOMS),
    ("InTransit_CustomsRequiringInformation", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("AvailableForPickup_Other", Status.AVAILABLE_FOR_PICKUP),
    ("OutForDelivery_Other", Status.OUT_FOR_DELIVERY),
    ("DeliveryFailure_Other", Status.ATTEMPT_FAILED),
    ("DeliveryFailure_NoBody", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("DeliveryFailure_Rejected Exception_Rejected", Status.EXCEPTION, Reason.REFUSED),
    ("DeliveryFailure_InvalidAddress Exception_NoBody", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("DeliveryFailure_Security Exception_Security", Status.EXCEPTION, Reason.SECURITY),  # by text: customs, charges
    ("Exception_Other Exception_Destroyed", Status.EXCEPTION, Reason.OTHER),
    ("Exception_Damage", Status.EXCEPTION, Reason.DAMAGED),
    ("Exception_Delayed", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("Exception_Lost", Status.EXCEPTION, Reason.LOST),
    ("Exception_Returning", Status.RETURNING),
    ("Exception_Returned", Status.RETURNED),
    ("Exception_Cancel", Status.CANCELLED),
    ("Delivered_Other", Status.DELIVERED),
    ("Expired_Other", Status.EXPIRED),
)
#: Events without a sub-status may have a stage; its finals count as the sub-status they agree with (`_FINAL_STAGES`).
_STAGES = table(
    ("InfoReceived", Status.PRE_TRANSIT),
    ("PickedUp", Status.PICKED_UP),
    ("Departure Arrival", Status.IN_TRANSIT),
    ("AvailableForPickup", Status.AVAILABLE_FOR_PICKUP),
    ("OutForDelivery", Status.OUT_FOR_DELIVERY),
    ("Returning", Status.RETURNING),
    door="stage:",
)
_FINAL_STAGES = {"Delivered": "Delivered_Other", "Returned": "Exception_Returned"}
STATUSES = _MAIN | _SUB | _STAGES
#: 17TRACK calls the number itself wrong: nobody needs to ask about it again.
INVALID = "NotFound_InvalidCode"
_BY_TEXT = {
    r"(?i)customs|海关|清关": Meaning(Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    r"(?i)\b(?:tax(?:es)?|fees?|dut(?:y|ies))\b|税|费用|付费|收费|缴费|运费": Meaning(
        Status.EXCEPTION, Reason.PAYMENT_DUE
    ),
}


def word(sub_status: str, stage: str, latest: tuple[str, str]) -> str | None:
    """The word of an event that counts; None for what tells nothing (yet). latest: status, sub-status of the parcel."""
    main = sub_status.partition("_")[0]
    if main == "NotFound":
        return None
    if not sub_status:
        agreed = _FINAL_STAGES.get(stage, "") == latest[1]
        return latest[1] if agreed else stage and f"stage:{stage}"
    final = main == "Delivered" and latest[0] != "Delivered"
    return main if sub_status not in STATUSES and main in _MAIN and not final else sub_status


def refined(code: str, said: str) -> Meaning | None:
    """What the text makes of `.._Security`, of which the vendor says: security, customs or charges."""
    return told(_BY_TEXT, said) if code.endswith("_Security") and code in STATUSES else None
