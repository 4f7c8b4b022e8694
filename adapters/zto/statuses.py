"""The sheet's table (e), a table per door, and what texts make of the codes whose row says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.domain import Reason, Scan, Status

STATUSES = {
    **table(
        ("ORDER ACCEPT", Status.PRE_TRANSIT),
        ("GOT", Status.PICKED_UP),
        ("DEPARTURE ARRIVAL", Status.IN_TRANSIT),
        ("DISPATCH", Status.OUT_FOR_DELIVERY),
        ("INBOUND HANDOVERSCAN_SIGNED", Status.AVAILABLE_FOR_PICKUP),
        ("SIGNED DEPARTURE_SIGNED", Status.DELIVERED),
        ("RETURN_SCAN", Status.RETURNING),  # by text: a new address is in_transit
        ("RETURN_SIGNED", Status.RETURNED),
        ("PROBLEM", Status.EXCEPTION, Reason.OTHER),  # by text: the reason
        door="push:",
    ),
    **table(
        ("收件 1", Status.PICKED_UP),
        ("发件 2 到件 3 转单 9 安检 DEPARTURE 45", Status.IN_TRANSIT),
        ("派件 4 DELIVERY", Status.OUT_FOR_DELIVERY),
        ("ARRIVAL 44", Status.AVAILABLE_FOR_PICKUP),
        ("签收 5 SIGNED 7", Status.DELIVERED),
        ("退件 8", Status.RETURNING),
        ("问题件 事件", Status.EXCEPTION, Reason.OTHER),  # by text: the reason
        door="query:",
    ),
    **table(
        ("1 2 3 15", Status.PRE_TRANSIT),
        ("4", Status.PICKED_UP),
        ("5", Status.INFO),  # signed, says the pre-order: wait for the trace
        ("6", Status.EXCEPTION, Reason.OTHER),  # cancelled or failed: by text cancelled
        door="preorder:",
    ),
}
#: The push has a word of its own for a signed return, so these are the recipient.
RECIPIENT = frozenset({"push:SIGNED", "push:DEPARTURE_SIGNED"})

_PROBLEMS = {
    "拒收": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "破损": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "地址": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "联系不上|不在": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
}
#: A request to cancel, or one that failed, has cancelled nothing.
_CANCELLED = "(?<!申请|请求|不能|不可|无法)(?<!未)取消(?!失败|申请|中)"
_BY_TEXT: Mapping[str, Mapping[str, Meaning]] = {
    **dict.fromkeys(("push:PROBLEM", "query:问题件", "query:事件"), _PROBLEMS),
    "push:RETURN_SCAN": {"改地址|转寄": Meaning(Status.IN_TRANSIT)},
    "preorder:6": {_CANCELLED: Meaning(Status.CANCELLED)},
}


def refined(code: str, said: str) -> Meaning | None:
    """What a text makes of a code; None where it stays what the table says."""
    return told(_BY_TEXT.get(code, {}), said)


def is_senders(scan: Scan) -> bool:
    """Whether a 签收 says that the sender has it."""
    return bool(re.search("退|寄件", scan.text))
