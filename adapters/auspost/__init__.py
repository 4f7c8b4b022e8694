"""Australia Post and StarTrack, Shipping and Tracking API v1. Source: the fact sheet carriers/auspost.md.

10 numbers per call and 10 calls a minute. There are no pushes in this API.

Known limits. Words of `status` and of descriptions are those of the sheet (partly from memory); other descriptions are
UNKNOWN, with their own code or text for operators to map. Codes of errors are unverified: ESB-10001 and 51104 say "not
found" (setting `absent_codes`), ESB-20010 and ESB-20050 "try again", all others, 51101 to 51103 too (too many numbers,
two kinds of number in one call), are a no: the gateway then asks in smaller batches. Of a number with several articles
the last to arrive makes the delivery. Booking makes a shipment; its label and the order that hands it over (PUT
/orders) are made by hand. A booking is looked for by its `shipment_reference` in the list of shipments, which has no
documented filter or order: page by page, up to the setting `find_pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from adapters.auspost import orders
from adapters.auspost.numbers import NUMBERS
from adapters.auspost.results import scans_of
from adapters.auspost.settings import AusPostSettings
from adapters.auspost.statuses import STATUSES
from gateway.contract.carrier import DEED, Can, CarrierAdapter, Rate
from gateway.contract.client import explained, unread
from gateway.contract.errors import OutcomeUnknown, Refused, refusal
from gateway.contract.reading import Fields, listed, load_object, objects, optional, text
from gateway.contract.signing import basic
from gateway.domain import Booking, LegRef, Parcel, Scan

_PAGE = 100
_NO_SHIPMENT = "44013"
_AGAIN = {"ESB-20010": None, "ESB-20050": None, "API_002": 60.0}


class AusPostAdapter(CarrierAdapter):
    """Tracking by batch; shipments by reference."""

    code = "auspost"
    name = "Australia Post"
    confidence = "medium"
    can = Can.POLL | Can.BOOK | Can.CANCEL
    Settings = AusPostSettings
    batch = 10
    rate = Rate(10, 60)
    statuses = STATUSES
    number_forms = NUMBERS

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each number; errors of a number stand inside the 200, "not found (yet)" among them."""
        numbers = ",".join(dict.fromkeys(leg.tracking_number for leg in legs))
        answer = await self._call("GET", "/track", params={"tracking_ids": numbers})
        results = [one for one in listed(answer, "tracking_results") if self._is_known(one)]
        return [scan for result in results for scan in scans_of(result)]

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """A shipment of the product `parcel.service`. `key` is its shipment_reference."""
        body = orders.shipment(parcel, key)
        if (known := await self.find_booking(key)) is not None:
            return known
        answer = await self._call("POST", "/shipments", deed=True, json=body)
        with unread(deed=True):
            return orders.booked(answer)

    async def find_booking(self, key: str) -> Booking | None:
        """By our reference, in the list of shipments; a deleted one is no longer there."""
        for page in range(self.settings.find_pages):
            query = {"offset": page * _PAGE, "number_of_shipments": _PAGE}
            found = listed(await self._call("GET", "/shipments", params=query), "shipments")
            for shipment in found:
                if text(shipment, "shipment_reference") == orders.reference(key) and not _is_cancelled(shipment):
                    return orders.booking(shipment)
            if len(found) < _PAGE:
                return None
        raise OutcomeUnknown(f"not among {self.settings.find_pages * _PAGE} shipments, and there are more (find_pages)")

    async def cancel(self, leg: LegRef) -> None:
        """Delete a shipment that is in no order yet. One that we booked and that is gone was deleted before."""
        ours = leg.extra.get("shipment_id", "")
        if not (ours or leg.reference):
            raise Refused("reference: the leg has none, and it is the shipment's id")
        try:
            await self._send("DELETE", f"/shipments/{quote(ours or leg.reference, safe='')}", deed=True)
        except Refused as no:
            if no.code != _NO_SHIPMENT or not ours:
                raise

    def _is_known(self, result: Fields) -> bool:
        """Raise what an error of one number means, unless it says that nobody knows it (yet)."""
        codes = [text(error, "code") for error in objects(result.get("errors"), "errors")]
        if any(code not in self.settings.absent_codes for code in codes):
            raise _refusal(result)
        return not codes

    async def _call(self, method: str, path: str, *, deed: bool = False, **request: Any) -> dict[str, Any]:
        """The answer of one call that says yes."""
        content = await self._send(method, path, deed=deed, **request)
        with unread(deed=deed):
            answer = load_object(content)
            errors = answer.get("errors")
            if errors:
                raise _refusal(answer)
            return answer

    async def _send(self, method: str, path: str, *, deed: bool = False, **request: Any) -> bytes:
        """The body of a yes, which may be empty."""
        ours = self.settings
        proof = basic(ours.api_key.get_secret_value(), ours.api_secret.get_secret_value())
        headers = {"authorization": proof, "account-number": ours.account_number.zfill(10)}
        with explained(_error):
            extensions = DEED if deed else {}
            response = await self.http.request(method, path, headers=headers, extensions=extensions, **request)
        return response.content


def _is_cancelled(shipment: Fields) -> bool:
    return text(optional(shipment, "shipment_summary"), "status") == "Cancelled"


def _refusal(answer: Fields) -> Exception:
    code, said = _error(answer)
    return refusal(code, said, _AGAIN, ())


def _error(answer: Fields) -> tuple[str, str]:
    """The first error of an answer: its code, name, message and field."""
    first = next(iter(listed(answer, "errors")), {})
    said = (text(first, name) for name in ("name", "message", "field"))
    return text(first, "code") or text(first, "error_code"), ": ".join(filter(None, said))
