"""The sheet's table (e), and what the text or the rest of a history makes of the codes whose row says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from gateway.contract.meanings import table
from gateway.contract.reading import says
from gateway.domain import Reason, Scan, Status

_CODES = table(
    ("10 401", Status.PRE_TRANSIT),  # 401: declared, never scanned; our own clock judges that
    ("1", Status.PICKED_UP),
    ("2 201 204 205 206 5 418 603", Status.IN_TRANSIT),
    ("6 601 602", Status.CUSTOMS),
    ("202 419", Status.OUT_FOR_DELIVERY),
    ("211", Status.AVAILABLE_FOR_PICKUP),
    ("405", Status.ATTEMPT_FAILED),
    ("416", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("3 301 302 311", Status.DELIVERED),
    ("304", Status.DELIVERED),  # by text: available_for_pickup when it tells of a drop and of no 取走/签收
    ("407 413", Status.RETURNING),
    ("406", Status.RETURNED),
    ("415", Status.CANCELLED),  # by history: exception / other once anybody had the parcel
    ("4", Status.EXCEPTION, Reason.OTHER),  # of the basic plan it may hide 406 or 415: never a final
    ("402 403 417 422", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("404", Status.EXCEPTION, Reason.REFUSED),  # 407 and 406 tell of the way back
    ("412", Status.EXCEPTION, Reason.UNCLAIMED),
    ("414", Status.EXCEPTION, Reason.DAMAGED),
    ("420 421 423", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("604", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
)
#: 暂无轨迹: nothing is recorded.
NOTHING = "0"
#: The aggregator's own clocks. Beside the traces they have no time: of a parcel they are never taken for a scan.
CLOCKS = frozenset({"401", "402", "403", "412"})
#: In front of a code that was said of the parcel, not of the trace.
OF_PARCEL = "State:"
STATUSES = _CODES | {OF_PARCEL + code: meaning for code, meaning in _CODES.items() if code not in CLOCKS}
#: Signed normally, and taken out of the locker or shop: a signed return has its own code, 406.
RECIPIENT = frozenset({"301", "311"})

_NOT_HANDED_OVER = {Status.PRE_TRANSIT, Status.CANCELLED, Status.EXCEPTION, Status.INFO, Status.UNKNOWN}


def dropped(code: str, said: str) -> bool:
    """Whether a 代收签收 (304) only tells of a drop at a locker, shop or counter."""
    taken = says(said, "取走|取出|签收", "[未待请]|及时|尽快|代签收|代收签收")
    return code.removeprefix(OF_PARCEL) == "304" and not taken and bool(re.search("驿站|快递柜|自提柜|代收点", said))


def too_late(scans: Sequence[Scan]) -> list[Scan]:
    """The scans, of which none is a cancellation (415) after the parcel was handed over."""
    had = min((scan.at for scan in scans if scan.status not in _NOT_HANDED_OVER), default=None)
    return [
        replace(scan, status=Status.EXCEPTION, reason=Reason.OTHER)
        if scan.status is Status.CANCELLED and had is not None and had <= scan.at
        else scan
        for scan in scans
    ]
