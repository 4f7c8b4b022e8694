"""Both vocabularies of sheet (e), `status` and `status_detail`; a word that is in both means the same.

`unknown` and `status_update` are in neither: they tell nothing ("no scan", "no refinement").
"""

from __future__ import annotations

from datetime import datetime

from gateway.contract.meanings import table
from gateway.contract.reading import Fields, given_time, text
from gateway.domain import Basis, Reason, Status

STATUSES = table(
    ("pre_transit label_created", Status.PRE_TRANSIT),
    ("received_at_origin_facility", Status.PICKED_UP),
    ("in_transit departed_origin_facility departed_facility arrived_at_facility", Status.IN_TRANSIT),
    ("received_at_destination_facility transferred_to_destination_carrier", Status.IN_TRANSIT),
    ("arrived_at_destination", Status.IN_TRANSIT),  # delivered when `status` says so, which wins
    ("out_for_delivery", Status.OUT_FOR_DELIVERY),
    ("available_for_pickup arrived_at_pickup_location", Status.AVAILABLE_FOR_PICKUP),
    ("delivered", Status.DELIVERED),
    ("return_to_sender return", Status.RETURNING),
    ("address_correction", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("damaged", Status.EXCEPTION, Reason.DAMAGED),
    ("lost", Status.EXCEPTION, Reason.LOST),
    ("refused", Status.EXCEPTION, Reason.REFUSED),
    ("delayed missorted", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("weather_delay", Status.EXCEPTION, Reason.WEATHER),
    ("delivery_exception transit_exception failure", Status.EXCEPTION, Reason.OTHER),
    ("awaiting_information", Status.EXCEPTION, Reason.OTHER),  # by text: customs_hold
    ("held", Status.EXCEPTION, Reason.OTHER),  # available_for_pickup when `status` says so
    ("cancelled", Status.CANCELLED),
    ("expired", Status.EXPIRED),
    ("error", Status.UNKNOWN),
)
#: `status` before `status_detail` for these; the detail wins over all others.
_WINS = frozenset({"delivered", "return_to_sender", "cancelled"})
_NO_REFINEMENT = frozenset({"", "status_update", "unknown"})


def word(status: str, detail: str) -> str:
    """The one word of the two that counts: '' when there is nothing to tell."""
    if status in _WINS or detail in _NO_REFINEMENT:
        return "" if status == "unknown" else status
    return status if (status, detail) == ("available_for_pickup", "held") else detail


def when(detail: Fields, *, placed: bool) -> tuple[datetime, Basis]:
    """`Z` is true only when the place is known, else the time may be local (sheet c); a country alone is no zone."""
    at, basis = given_time(detail, "datetime")
    return at, basis if placed or not text(detail, "datetime").upper().endswith("Z") else Basis.UNKNOWN
