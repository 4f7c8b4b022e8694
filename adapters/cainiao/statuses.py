"""The sheet's table (e): numbers of TMS_PRACTICE_TRACE_INFO (one source), words of logistics details (unverified)."""

from __future__ import annotations

from gateway.contract.meanings import table
from gateway.domain import Reason, Status

STATUSES = table(
    ("00", Status.PICKED_UP),
    ("01 02 03 13", Status.IN_TRANSIT),
    ("04", Status.OUT_FOR_DELIVERY),
    ("05", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("06", Status.EXCEPTION, Reason.REFUSED),
    ("07", Status.DELIVERED),
    ("08 09 10", Status.RETURNING),
    ("11", Status.RETURNED),
    ("12", Status.EXCEPTION, Reason.OTHER),  # the merchant did not take it back
    ("CREATE ACCEPT CONSIGN", Status.PRE_TRANSIT),
    ("GOT", Status.PICKED_UP),
    ("TRANSPORT DEPARTURE ARRIVAL", Status.IN_TRANSIT),
    ("DELIVERING SENT_SCAN", Status.OUT_FOR_DELIVERY),
    ("AGENT_SIGN STA_INBOUND", Status.AVAILABLE_FOR_PICKUP),
    ("SIGN SIGNED STA_SIGN", Status.DELIVERED),  # after RETURN of the sender, perhaps: the fold decides
    ("FAILED", Status.EXCEPTION, Reason.OTHER),
    ("REJECT", Status.EXCEPTION, Reason.REFUSED),
    ("RETURN", Status.RETURNING),
    ("CC_HO", Status.CUSTOMS),
)
#: Beside 07 a signed return has a number of its own, 11.
RECIPIENT = frozenset({"07"})
