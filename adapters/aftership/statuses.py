"""Both vocabularies of sheet (e), `subtag` and the coarse `tag` beside it."""

from __future__ import annotations

from gateway.contract.meanings import finer, table
from gateway.domain import Reason, Status

STATUSES = table(
    ("InfoReceived InfoReceived_001", Status.PRE_TRANSIT),
    ("InTransit_002", Status.PICKED_UP),
    ("InTransit InTransit_001 InTransit_003 InTransit_004 InTransit_007", Status.IN_TRANSIT),
    ("InTransit_005 InTransit_008 InTransit_009", Status.IN_TRANSIT),  # customs done, problem solved, forwarded
    ("InTransit_006", Status.CUSTOMS),
    ("OutForDelivery OutForDelivery_001 OutForDelivery_003 OutForDelivery_004", Status.OUT_FOR_DELIVERY),
    ("AvailableForPickup AvailableForPickup_001", Status.AVAILABLE_FOR_PICKUP),
    ("AttemptFail AttemptFail_001", Status.ATTEMPT_FAILED),
    ("AttemptFail_002 AttemptFail_003", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("Delivered Delivered_001 Delivered_002 Delivered_003 Delivered_004 Delivered_005", Status.DELIVERED),
    ("Exception Exception_001 Exception_009 Exception_021", Status.EXCEPTION, Reason.OTHER),
    ("Exception_002 Exception_007", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("Exception_003", Status.EXCEPTION, Reason.REFUSED),
    ("Exception_004 Exception_018", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("Exception_005 Exception_016 Exception_019", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("Exception_006", Status.EXCEPTION, Reason.PAYMENT_DUE),
    ("Exception_008", Status.EXCEPTION, Reason.UNCLAIMED),
    ("Exception_012", Status.EXCEPTION, Reason.DAMAGED),
    ("Exception_013", Status.EXCEPTION, Reason.LOST),
    ("Exception_017", Status.EXCEPTION, Reason.WEATHER),
    ("Exception_010", Status.RETURNING),
    ("Exception_011", Status.RETURNED),
    ("Exception_020", Status.CANCELLED),
    ("Expired Expired_001", Status.EXPIRED),
)
#: Nothing is known yet: no scan.
PENDING = frozenset({"Pending", *(f"Pending_00{number}" for number in range(1, 7))})
#: Of these, the courier needs an account of ours connected to it at AfterShip.
NOT_CONNECTED = "Pending_002"


def word(tag: str, subtag: str) -> str | None:
    """The one of the two that counts; None for what tells nothing (yet).

    An unlisted subtag of Exception stays an exception whatever known tag stands beside it; a tag that is in no table
    saves nothing.
    """
    known_tag = tag in STATUSES or tag in PENDING
    exception = subtag.startswith("Exception_") and subtag not in STATUSES and known_tag
    return "Exception" if exception else finer(STATUSES, tag, subtag, PENDING)
