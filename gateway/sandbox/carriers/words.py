"""The word each carrier uses for what happened, from the code tables of the sheets: (status, reason) -> its code.

Where a status has several codes the plainest stands here; an event may carry any other as its own `code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from gateway.domain import Reason, Status
from gateway.sandbox.records import Event

Key = tuple[Status, Reason | None]
V = TypeVar("V")


def word(table: Mapping[Key, str], event: Event) -> str:
    """The event's own code, else the table's. Raise KeyError for what this carrier has no word for."""
    return event.code or meaning(table, event)


def meaning(table: Mapping[Key, V], event: Event) -> V:
    """The entry for (status, reason), else for the status alone. Raise KeyError."""
    precise = table.get((event.status, event.reason))
    return table[event.status, None] if precise is None else precise


SF_WORDS: Mapping[Key, str] = {
    (Status.INFO, None): "75",
    (Status.PRE_TRANSIT, None): "646",
    (Status.PICKED_UP, None): "50",
    (Status.IN_TRANSIT, None): "31",
    (Status.CUSTOMS, None): "17",
    (Status.OUT_FOR_DELIVERY, None): "44",
    (Status.AVAILABLE_FOR_PICKUP, None): "125",
    (Status.ATTEMPT_FAILED, None): "70",
    (Status.EXCEPTION, None): "33",
    (Status.EXCEPTION, Reason.CARRIER_DELAY): "77",
    (Status.EXCEPTION, Reason.CUSTOMS_HOLD): "18",
    (Status.EXCEPTION, Reason.ADDRESS_PROBLEM): "70",
    (Status.EXCEPTION, Reason.REFUSED): "70",
    (Status.RETURNING, None): "660",
    (Status.DELIVERED, None): "80",
}

#: firstStatusCode, its name, secondaryStatusCode: only those the sheet knows.
SF_STAGES: Mapping[Status, tuple[str, str, str]] = {
    Status.PICKED_UP: ("1", "已揽收", "101"),
    Status.IN_TRANSIT: ("2", "运送中", "201"),
    Status.CUSTOMS: ("2", "运送中", "204"),
    Status.OUT_FOR_DELIVERY: ("3", "派送中", "301"),
    Status.DELIVERED: ("4", "已签收", "401"),
}

ZTO_ACTIONS: Mapping[Key, str] = {
    (Status.PRE_TRANSIT, None): "ORDER",
    (Status.PICKED_UP, None): "GOT",
    (Status.IN_TRANSIT, None): "ARRIVAL",
    (Status.OUT_FOR_DELIVERY, None): "DISPATCH",
    (Status.AVAILABLE_FOR_PICKUP, None): "INBOUND",
    (Status.ATTEMPT_FAILED, None): "PROBLEM",
    (Status.EXCEPTION, None): "PROBLEM",
    (Status.RETURNING, None): "RETURN_SCAN",
    (Status.DELIVERED, None): "SIGNED",
    (Status.RETURNED, None): "RETURN_SIGNED",
}

#: The same facts in the query's words: ARRIVAL and SIGNED mean pickup points there.
ZTO_SCAN_TYPES: Mapping[Key, str] = {
    (Status.PICKED_UP, None): "收件",
    (Status.IN_TRANSIT, None): "到件",
    (Status.OUT_FOR_DELIVERY, None): "派件",
    (Status.AVAILABLE_FOR_PICKUP, None): "ARRIVAL",
    (Status.ATTEMPT_FAILED, None): "问题件",
    (Status.EXCEPTION, None): "问题件",
    (Status.RETURNING, None): "退件",
    (Status.DELIVERED, None): "签收",
    (Status.RETURNED, None): "签收",
}

#: statusCode and its name.
KUAIDI100_STATES: Mapping[Key, tuple[str, str]] = {
    (Status.PRE_TRANSIT, None): ("101", "已下单"),
    (Status.PICKED_UP, None): ("103", "已揽收"),
    (Status.IN_TRANSIT, None): ("1002", "干线"),
    (Status.CUSTOMS, None): ("11", "清关中"),
    (Status.OUT_FOR_DELIVERY, None): ("5", "派件"),
    (Status.AVAILABLE_FOR_PICKUP, None): ("501", "投柜或驿站"),
    (Status.ATTEMPT_FAILED, None): ("204", "派件异常"),
    (Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT): ("206", "无法联系"),
    (Status.EXCEPTION, None): ("2", "疑难"),
    (Status.EXCEPTION, Reason.ADDRESS_PROBLEM): ("207", "超区"),
    (Status.EXCEPTION, Reason.CARRIER_DELAY): ("208", "滞留"),
    (Status.EXCEPTION, Reason.DAMAGED): ("209", "破损"),
    (Status.EXCEPTION, Reason.REFUSED): ("14", "拒签"),
    (Status.EXCEPTION, Reason.UNCLAIMED): ("205", "柜或驿站超时未取"),
    (Status.EXCEPTION, Reason.CUSTOMS_HOLD): ("13", "清关异常"),
    (Status.RETURNING, None): ("6", "退回"),
    (Status.RETURNED, None): ("4", "退签"),
    (Status.DELIVERED, None): ("301", "本人签收"),
    (Status.CANCELLED, None): ("401", "已销单"),
}

#: type, two-letter activity code, three-digit code.
UPS_CODES: Mapping[Key, tuple[str, str, str]] = {
    (Status.INFO, None): ("U", "", "063"),
    (Status.PRE_TRANSIT, None): ("M", "MP", "003"),
    (Status.PICKED_UP, None): ("P", "PU", "038"),
    (Status.IN_TRANSIT, None): ("I", "AR", "005"),
    (Status.CUSTOMS, None): ("I", "", "012"),
    (Status.OUT_FOR_DELIVERY, None): ("I", "OT", "021"),
    (Status.AVAILABLE_FOR_PICKUP, None): ("I", "", "040"),
    (Status.ATTEMPT_FAILED, None): ("X", "", "022"),
    (Status.EXCEPTION, None): ("X", "", "013"),
    (Status.EXCEPTION, Reason.ADDRESS_PROBLEM): ("X", "", "050"),
    (Status.EXCEPTION, Reason.REFUSED): ("X", "", "064"),
    (Status.EXCEPTION, Reason.DAMAGED): ("X", "", "059"),
    (Status.EXCEPTION, Reason.LOST): ("X", "", "068"),
    (Status.EXCEPTION, Reason.UNCLAIMED): ("X", "", "069"),
    (Status.EXCEPTION, Reason.WEATHER): ("X", "", "032"),
    (Status.EXCEPTION, Reason.CARRIER_DELAY): ("X", "", "046"),
    (Status.EXCEPTION, Reason.SECURITY): ("X", "", "132"),
    (Status.RETURNING, None): ("X", "", "033"),
    (Status.RETURNED, None): ("D", "", "034"),
    (Status.DELIVERED, None): ("D", "FS", "011"),
    (Status.CANCELLED, None): ("MV", "", "007"),
}

#: status, status_detail.
EASYPOST_WORDS: Mapping[Key, tuple[str, str]] = {
    (Status.PRE_TRANSIT, None): ("pre_transit", "label_created"),
    (Status.PICKED_UP, None): ("in_transit", "received_at_origin_facility"),
    (Status.IN_TRANSIT, None): ("in_transit", "arrived_at_facility"),
    (Status.OUT_FOR_DELIVERY, None): ("out_for_delivery", "out_for_delivery"),
    (Status.AVAILABLE_FOR_PICKUP, None): ("available_for_pickup", "arrived_at_pickup_location"),
    (Status.EXCEPTION, None): ("failure", "delivery_exception"),
    (Status.EXCEPTION, Reason.ADDRESS_PROBLEM): ("failure", "address_correction"),
    (Status.EXCEPTION, Reason.REFUSED): ("failure", "refused"),
    (Status.EXCEPTION, Reason.DAMAGED): ("failure", "damaged"),
    (Status.EXCEPTION, Reason.LOST): ("failure", "lost"),
    (Status.EXCEPTION, Reason.WEATHER): ("failure", "weather_delay"),
    (Status.EXCEPTION, Reason.CARRIER_DELAY): ("failure", "delayed"),
    (Status.RETURNING, None): ("return_to_sender", "return"),
    (Status.DELIVERED, None): ("delivered", "arrived_at_destination"),
    (Status.CANCELLED, None): ("cancelled", "cancelled"),
}
