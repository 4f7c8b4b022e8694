"""The sheet's table (e), and what a text makes of FAILED."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Status

STATUSES = table(
    ("ACCEPT NOT_SEND", Status.PRE_TRANSIT),  # NOT_SEND: a pickup that failed
    ("UNACCEPT", Status.EXCEPTION, Reason.OTHER),  # YTO declines; unverified
    ("GOT", Status.PICKED_UP),
    ("ARRIVAL DEPARTURE AIRSEND AIRPICK FORWARDING PACKAGE UNPACK", Status.IN_TRANSIT),
    ("SENT_SCAN", Status.OUT_FOR_DELIVERY),
    ("INBOUND", Status.AVAILABLE_FOR_PICKUP),
    ("SIGNED", Status.DELIVERED),  # of the recipient or, after TMS_RETURN, of the sender: the fold decides
    ("FAILED", Status.ATTEMPT_FAILED),  # by text: refused, or nobody there
    ("TMS_RETURN", Status.RETURNING),
)
_FAILED: Mapping[str, Meaning] = {
    "拒收": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "不在|联系不上": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
}


def refined(code: str, said: str) -> Meaning | None:
    """What a text makes of a code; None where it stays what the table says."""
    return told(_FAILED, said) if code == "FAILED" else None
