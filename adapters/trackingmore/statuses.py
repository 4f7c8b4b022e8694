"""Both vocabularies of sheet (e): sub-statuses, and the delivery status beside them."""

from __future__ import annotations

from gateway.contract.carrier import Meaning
from gateway.contract.meanings import finer, table, told
from gateway.domain import Reason, Status

_TRANSIT = " ".join(f"transit00{number}" for number in range(1, 8))  # 003 and 004 too: the vendor's ages differ
STATUSES = table(
    ("inforeceived notfound001", Status.PRE_TRANSIT),
    (f"transit {_TRANSIT}", Status.IN_TRANSIT),
    ("pickup", Status.OUT_FOR_DELIVERY),  # by text: available_for_pickup when it waits at a point
    ("delivered delivered001 delivered002 delivered003", Status.DELIVERED),
    ("delivered004", Status.DELIVERED),  # a neighbour; by text: available_for_pickup when it is a locker or a point
    ("undelivered", Status.ATTEMPT_FAILED),
    ("exception exception005", Status.EXCEPTION, Reason.OTHER),
    ("exception001 exception002 exception003", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("exception004", Status.EXCEPTION, Reason.UNCLAIMED),
    ("exception006", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("exception007", Status.EXCEPTION, Reason.DAMAGED),  # by text: lost
    ("exception008", Status.CANCELLED),
    ("exception009", Status.EXCEPTION, Reason.REFUSED),
    ("exception010 exception011", Status.RETURNING),  # returned by `milestone_date.returned_date` alone
    ("expired", Status.EXPIRED),
)
#: Nothing is known yet: no scan.
PENDING = frozenset({"pending", "notfound"})
#: The vendor's languages disagree which of them is "returned" and which "on the way back".
BACK = frozenset({"exception010", "exception011"})

_WAITS = Meaning(Status.AVAILABLE_FOR_PICKUP)
_POINT = (
    r"(?i)locker|pick[\s-]?up (?:point|location|station|store|shop)|parcel ?shop|collection point|柜|驿站|代收点|自提点"
)
_TAKEN = r"(?i)(?<!be )(?:collected|picked[\s-]?up|taken|retrieved) (?:by|from)|(?<![请待可未])取[走出]|已取件"
_BY_TEXT = {
    "pickup": {r"(?i)pick[\s-]?up\b|collect": _WAITS},
    "delivered004": {_TAKEN: Meaning(Status.DELIVERED), _POINT: _WAITS},
    "exception007": {r"(?i)\blost\b|\bmissing\b|丢失|遗失": Meaning(Status.EXCEPTION, Reason.LOST)},
}


def word(status: str, substatus: str) -> str | None:
    """The one of the two that counts; None for what tells nothing (yet)."""
    return finer(STATUSES, status, substatus, PENDING)


def refined(code: str, said: str) -> Meaning | None:
    """What the text makes of a code; None where it stays what the table says."""
    meaning = told(_BY_TEXT.get(code, {}), said)
    return None if meaning == STATUSES.get(code) else meaning
