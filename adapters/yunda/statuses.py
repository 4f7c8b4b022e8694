"""The sheet's table (e), and what a text makes of ISSUE."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Status

STATUSES = table(
    ("ACCEPT GOT", Status.PICKED_UP),
    ("ARRIVAL DEPARTURE TRANSFER", Status.IN_TRANSIT),
    ("OVERSEA_IN OVERSEA_OUT OVERSEA_ARRIVAL OVERSEA_DEPARTURE", Status.IN_TRANSIT),
    ("SENT", Status.OUT_FOR_DELIVERY),
    ("INBOUND", Status.AVAILABLE_FOR_PICKUP),
    ("OUTBOUND", Status.IN_TRANSIT),  # a courier took it out of the shop again
    ("SIGNED", Status.DELIVERED),  # of the recipient or, after RETURN, of the sender: the fold decides
    ("SIGNFAIL", Status.ATTEMPT_FAILED),
    ("RETURN", Status.RETURNING),
    ("ISSUE", Status.EXCEPTION, Reason.OTHER),  # by text: the reason
    ("REJECTION", Status.EXCEPTION, Reason.REFUSED),
    ("CLEARANCE_START", Status.CUSTOMS),
    ("CLEARANCE_FINISH", Status.IN_TRANSIT),
    ("CLEARANCE_FAIL", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("OTHER", Status.INFO),
)
_ISSUES: Mapping[str, Meaning] = {
    "拒收": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "破损": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "地址": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "联系不上|不在": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
}


def refined(code: str, said: str) -> Meaning | None:
    """What a text makes of an action; None where it stays what the table says."""
    return told(_ISSUES, said) if code == "ISSUE" else None
