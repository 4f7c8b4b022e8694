"""EasyPost: the sheet's vectors, and what its samples cannot show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.easypost import EasyPostAdapter, EasyPostSettings
from gateway.contract import BadPayload, BadSignature, OutcomeUnknown, Push, Refused
from gateway.contract.client import contract_client
from gateway.domain import Address, LegRef, Parcel, Party, Reason, Status

SAMPLES = Path(__file__).parent.parent / "samples" / "easypost"
VECTORS: dict[str, dict[str, Any]] = {
    vector["name"]: vector for vector in json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))
}
#: status_detail -> ours, from the sheet's list of 28; the last two refine nothing.
DETAILS = {
    "label_created": (Status.PRE_TRANSIT, None),
    "received_at_origin_facility": (Status.PICKED_UP, None),
    "departed_origin_facility": (Status.IN_TRANSIT, None),
    "departed_facility": (Status.IN_TRANSIT, None),
    "arrived_at_facility": (Status.IN_TRANSIT, None),
    "in_transit": (Status.IN_TRANSIT, None),
    "received_at_destination_facility": (Status.IN_TRANSIT, None),
    "transferred_to_destination_carrier": (Status.IN_TRANSIT, None),
    "arrived_at_destination": (Status.IN_TRANSIT, None),
    "arrived_at_pickup_location": (Status.AVAILABLE_FOR_PICKUP, None),
    "out_for_delivery": (Status.OUT_FOR_DELIVERY, None),
    "address_correction": (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "awaiting_information": (Status.EXCEPTION, Reason.OTHER),
    "damaged": (Status.EXCEPTION, Reason.DAMAGED),
    "lost": (Status.EXCEPTION, Reason.LOST),
    "refused": (Status.EXCEPTION, Reason.REFUSED),
    "delayed": (Status.EXCEPTION, Reason.CARRIER_DELAY),
    "weather_delay": (Status.EXCEPTION, Reason.WEATHER),
    "missorted": (Status.EXCEPTION, Reason.CARRIER_DELAY),
    "held": (Status.EXCEPTION, Reason.OTHER),
    "delivery_exception": (Status.EXCEPTION, Reason.OTHER),
    "transit_exception": (Status.EXCEPTION, Reason.OTHER),
    "failure": (Status.EXCEPTION, Reason.OTHER),
    "return": (Status.RETURNING, None),
    "cancelled": (Status.CANCELLED, None),
    "expired": (Status.EXPIRED, None),
    "status_update": (Status.OUT_FOR_DELIVERY, None),
    "unknown": (Status.OUT_FOR_DELIVERY, None),
}
HOME = Party(name="A. Sample", address=Address(country="US", city="Reno"))
PARCEL = Parcel(order_id="SO-1", sender=HOME, recipient=HOME)


class Vendor:
    """A stand-in that keeps shipments by id and reference, and loses the answers it is told to lose."""

    def __init__(self, *, lose: str = "") -> None:
        self.lose = lose
        self.shipments: list[dict[str, Any]] = []
        self.bought: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request, request.url.path.removeprefix("/shipments").strip("/").split("/"))
        if self.lose and request.method == "POST" and request.url.path.endswith(self.lose):
            self.lose = ""
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    def _answer(self, request: httpx.Request, path: list[str]) -> httpx.Response:
        if path == [""]:
            reference = json.loads(request.content)["shipment"]["reference"]
            identity = f"shp_{len(self.shipments)}"
            rates = [{"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "6.07", "currency": "USD"}]
            self.shipments.append({"id": identity, "reference": reference, "rates": rates, "tracking_code": None})
            return httpx.Response(201, json=self.shipments[-1])
        found = next((one for one in self.shipments if path[0] in (one["id"], one["reference"])), None)
        if found is None:
            return httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no", "errors": []}})
        if path[1:] == ["buy"]:
            self.bought.append(found["id"])
            found["tracking_code"] = f"94{len(self.bought)}"
        return httpx.Response(200, json=found)


def adapter(handler: Any, **settings: Any) -> EasyPostAdapter:
    given = {"api_key": "EZTK_test_key_0001", "webhook_secret": "ep_secret_0123456789", **settings}
    checked = EasyPostSettings(base_url="https://easypost.test", **given)
    client = contract_client("https://easypost.test", httpx.MockTransport(handler))
    return EasyPostAdapter(checked, client, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC))


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


async def test_the_authorization_header_is_the_vectors() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"trackers": [], "has_more": False})

    vector = VECTORS["basic"]
    await adapter(handler, **vector["inputs"]).poll([LegRef(carrier="usps", tracking_number="EZ1")])
    assert seen == [vector["expected"]["Authorization"]]


@pytest.mark.parametrize("name", ["push_hmac", "push_hmac_nfkd"])
def test_the_signature_is_the_vectors(name: str) -> None:
    vector = VECTORS[name]
    body, secret = vector["inputs"]["body"].encode(), vector["inputs"]["webhook_secret"]
    given = vector["expected"]["X-Hmac-Signature"]
    push = Push(headers={"x-hmac-signature": given}, body=body)
    adapter(nobody, webhook_secret=secret).verify(push)
    adapter(nobody, previous_webhook_secret=secret).verify(push)
    with pytest.raises(BadSignature):
        adapter(nobody).verify(Push(headers={"x-hmac-signature": given.upper()}, body=body))
    with pytest.raises(BadSignature):
        adapter(nobody, webhook_secret="another").verify(push)


@pytest.mark.parametrize(("detail", "wanted"), DETAILS.items())
def test_every_detail_is_mapped(detail: str, wanted: tuple[Status, Reason | None]) -> None:
    row = {"status": "out_for_delivery", "status_detail": detail, "datetime": "2026-01-13T08:00:00Z"}
    tracker = {"object": "Tracker", "tracking_code": "EZ1", "tracking_details": [row]}
    event = {"description": "tracker.updated", "result": tracker}
    [scan] = adapter(nobody).receive(Push(body=json.dumps(event).encode()))
    assert (scan.status, scan.reason) == wanted


def test_the_list_of_details_is_whole() -> None:
    assert len(DETAILS) == 28


@pytest.mark.parametrize("lose", ["/shipments", "/buy", ""])
async def test_one_key_buys_once_whatever_answer_is_lost(lose: str) -> None:
    vendor = Vendor(lose=lose)
    speaks = adapter(vendor)
    try:
        booking = await speaks.book(PARCEL, "case-1")
    except OutcomeUnknown:
        assert await speaks.find_booking("case-1") is None
        booking = await speaks.book(PARCEL, "case-1")
    assert await speaks.find_booking("case-1") == booking
    assert await speaks.book(PARCEL, "case-1") == booking
    assert (len(vendor.shipments), vendor.bought) == (1, ["shp_0"])


async def test_only_rates_of_the_rows_company_are_bought() -> None:
    with pytest.raises(Refused, match="no rate for UPS"):
        await adapter(Vendor(), company="UPS").book(PARCEL, "case-1")


async def test_prices_in_two_currencies_are_not_compared() -> None:
    vendor = Vendor()

    def two(request: httpx.Request) -> httpx.Response:
        answer = vendor(request)
        if request.url.path == "/shipments":
            rate = {**vendor.shipments[0]["rates"][0], "id": "rate_2", "rate": "7.00", "currency": "CAD"}
            vendor.shipments[0]["rates"].append(rate)
            return httpx.Response(201, json=vendor.shipments[0])
        return answer

    with pytest.raises(Refused, match="currencies"):
        await adapter(two).book(PARCEL, "case-1")
    assert vendor.bought == []


async def test_a_list_that_never_ends_is_no_answer() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        tracker = {"id": "trk_1", "tracking_code": "EZ1", "tracking_details": []}
        return httpx.Response(200, json={"trackers": [tracker], "has_more": True})

    with pytest.raises(BadPayload, match="has_more"):
        await adapter(endless).poll([LegRef(carrier="usps", tracking_number="EZ1")])
