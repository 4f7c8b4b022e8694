"""The sheet's table (e), and what the text of a route makes of the codes whose row says so."""

from __future__ import annotations

from dataclasses import replace

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import table, told
from gateway.contract.reading import Fields, says, text
from gateway.domain import Reason, Scan, Status

#: opCodes; secondaryStatusCodes of a query (secondary:); states of an order-state push (04-, 05-).
STATUSES = table(
    ("646 647 127 141 201 202 205 206 131 04-40037 04-40001", Status.PRE_TRANSIT),  # 131: pickup failed
    ("50 54 41 43 46 129 138 188 214 633 651 655 656 700 701 850 851 950 05-40003", Status.PICKED_UP),
    ("secondary:101", Status.PICKED_UP),
    ("10 11 30 31 36 105 106 88 89 136 137 147 186 187 189 190 208 302 305 310 3036", Status.IN_TRANSIT),
    ("405 406 407 501 570 571 605 626 627 643 649 664 607 830 831 86 87 96 98", Status.IN_TRANSIT),
    ("900 921 930 931 932 126 14 606 613 623 secondary:201 secondary:205", Status.IN_TRANSIT),  # 14..: cleared
    ("99", Status.IN_TRANSIT),  # by text: 退回 is returning
    ("15 16 17 604 612 614 619 620 secondary:204", Status.CUSTOMS),
    ("44 47 204 34 122 123 211 212 630 634 677 880 933 secondary:301", Status.OUT_FOR_DELIVERY),
    ("125 130 642 632 657 678 658", Status.AVAILABLE_FOR_PICKUP),  # 658 by text: 签收/取件 is delivered
    ("80 8000 128 679 935 secondary:401", Status.DELIVERED),
    ("70", Status.ATTEMPT_FAILED),  # by text: the reason, and 拒收 is exception / refused; by reasonCode: 46
    ("660 215 648 631", Status.RETURNING),  # 648, 631 by text: in_transit when only 转寄 is told, not 退回
    ("870 33 934 72 611", Status.EXCEPTION, Reason.OTHER),
    ("66 77 833", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("18 621", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("140 135 75 84 64 65", Status.INFO),
)
#: On from here under another number.
MOVED = frozenset({"648", "631"})
_ATTEMPTS = {
    "拒收|拒签": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "收件人不在|客户不在|无法联系|联系不上": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    "地址": Meaning(Status.ATTEMPT_FAILED, Reason.ADDRESS_PROBLEM),
}
#: On a number that was followed because the parcel goes back, everything on the way is the way back.
_BACK = dict.fromkeys(set(Status) - {Status.EXCEPTION, Status.INFO, Status.UNKNOWN, Status.CANCELLED}, Status.RETURNING)
_BACK |= {Status.DELIVERED: Status.RETURNED}


def refined(op: str, route: Fields) -> Meaning | None:
    """What the text (or reasonCode) makes of an opCode; None where it stays what the table says."""
    remark = text(route, "remark")
    if op == "658" and says(remark, "签收|取件", "未|待|请|码"):
        return Meaning(Status.DELIVERED)
    if op == "99" and "退回" in remark:
        return Meaning(Status.RETURNING)
    if op in MOVED and "转寄" in remark and "退回" not in remark:
        return Meaning(Status.IN_TRANSIT)
    if op == "70" and text(route, "reasonCode") == "46":  # the sender's cancellation, by one source: not a final
        return Meaning(Status.EXCEPTION, Reason.OTHER)
    return told(_ATTEMPTS, remark + text(route, "reasonName")) if op == "70" else None


def on_behalf(scan: Scan, moved: Scan) -> Scan:
    """A scan of the number a parcel went on with, as one of the number we know."""
    ours = replace(scan, tracking_number=moved.tracking_number)
    back = _BACK.get(scan.status) if moved.status is Status.RETURNING else None
    return replace(ours, status=back, reason=None, inferred=True) if back else ours
