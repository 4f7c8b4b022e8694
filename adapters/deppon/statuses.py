"""The sheet's tables (e), of traces and (`order:`) of order states, and what a text makes of FAILED."""

from __future__ import annotations

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table
from gateway.domain import Reason, Status

STATUSES = {
    **table(
        ("GOT", Status.PICKED_UP),
        ("ARRIVAL DEPARTURE ADVANCE_NOTICE INBOUND OPERATETRACK", Status.IN_TRANSIT),  # INBOUND: stored for a while
        ("SENT_SCAN ADVANCE_DELIVERY", Status.OUT_FOR_DELIVERY),
        ("STA_INBOUND", Status.AVAILABLE_FOR_PICKUP),
        ("SIGNED STA_SIGN", Status.DELIVERED),
        ("ERROR", Status.EXCEPTION, Reason.CARRIER_DELAY),
        ("FAILED", Status.EXCEPTION, Reason.OTHER),  # by text: refused. Never cancelled: the goods go on, or back
        ("BACK_SIGNED", Status.RETURNED),
        ("OTHER", Status.INFO),
    ),
    **table(
        ("ACCEPT RECEIPTING SHOUTCAR FAILGOT", Status.PRE_TRANSIT),  # FAILGOT: a pickup that failed
        ("GOT", Status.PICKED_UP),
        ("SIGNSUCCESS", Status.DELIVERED),
        ("SIGNFAILED", Status.EXCEPTION, Reason.OTHER),
        ("GOBACK", Status.EXCEPTION, Reason.OTHER),  # perhaps only the order came back: never returned
        ("CANCEL INVALID", Status.CANCELLED),
        door="order:",
    ),
}
#: A signed return has a word of its own, so these are the recipient.
RECIPIENT = frozenset({"SIGNED", "STA_SIGN"})


def refined(code: str, said: str) -> Meaning | None:
    """What a text makes of a code; None where it stays what the table says."""
    return Meaning(Status.EXCEPTION, Reason.REFUSED) if code == "FAILED" and "拒" in said else None
