"""USPS: the sheet's vector, both of its tables, v3.0, and the texts that may be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.usps import UspsAdapter, UspsSettings
from gateway.contract import BadSignature, Can, OutcomeUnknown, Push, Refused
from gateway.contract.client import contract_client
from gateway.domain import Address, Basis, LegRef, Parcel, Party, Reason, Scan, Status
from gateway.rules.fold import fold_scans

SAMPLES = Path(__file__).parent.parent / "samples" / "usps"
VECTOR = json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))[0]
NUMBER = "9400100000000000000000"
LEG = LegRef(carrier="usps", tracking_number=NUMBER)
PAYER = {"crid": "1", "mid": "2", "account_number": "3"}
#: Table (e)2 of the sheet, row by row.
CODES = """
pre_transit/ MA GX TM | picked_up/ 03 OA UA PA | out_for_delivery/ OF | delivered/ 01 60 43 I0
in_transit/ 10 NT EF SF L1 DX PX PC 06 07 17 19 41 42 80 81 82 AD A1 T1
attempt_failed/ 02 30 51 52 53 54 55 H0 | attempt_failed/recipient_absent 56 | available_for_pickup/ 14 16
exception/refused 04 | exception/address_problem 05 21 22 23 24 25 26 | exception/other 28 44
exception/carrier_delay 08 15 | returning/ 09 29 | exception/unclaimed 27 31 | exception/lost 11 | unknown/ 63 DG DE
"""
#: Table (e)1.
CATEGORIES = {
    "Pre-Shipment": (Status.PRE_TRANSIT, None),
    "Accepted": (Status.PICKED_UP, None),
    "In Transit": (Status.IN_TRANSIT, None),
    "In-Transit": (Status.IN_TRANSIT, None),
    "Preparing for Delivery": (Status.IN_TRANSIT, None),
    "OUT FOR DELIVERY": (Status.OUT_FOR_DELIVERY, None),
    " Available for Pickup ": (Status.AVAILABLE_FOR_PICKUP, None),
    "delivered": (Status.DELIVERED, None),
    "Delivered to Agent": (Status.DELIVERED, None),
    "Delivery Attempt": (Status.ATTEMPT_FAILED, None),
    "Delivery Attempt: Action Needed": (Status.ATTEMPT_FAILED, None),
    "Alert": (Status.EXCEPTION, Reason.OTHER),
    "Return to Sender": (Status.RETURNING, None),
    "Returned to Sender": (Status.RETURNING, None),
    "Teleported": (Status.UNKNOWN, None),
}
#: What the text of a code in no table says, in the sheet's order.
TEXTS = {
    "Delivered, To Original Sender": (Status.RETURNED, None),
    "Being Returned to Original Sender": (Status.RETURNING, None),
    "Return to Sender Processed, refused": (Status.RETURNING, None),
    "Refused, insufficient address": (Status.EXCEPTION, Reason.REFUSED),
    "No Such Number": (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "Unclaimed": (Status.EXCEPTION, Reason.UNCLAIMED),
    "Damaged in handling": (Status.EXCEPTION, Reason.DAMAGED),
    "Weather delay": (Status.EXCEPTION, Reason.WEATHER),
    "Held in Customs": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Processed Through Customs": (Status.CUSTOMS, None),
    "In Transit, Arriving Late": (Status.EXCEPTION, Reason.CARRIER_DELAY),
    "Delivered, Front Desk": (Status.UNKNOWN, None),
}


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


def adapter(handler: Callable[[httpx.Request], httpx.Response] = nobody, **settings: Any) -> UspsAdapter:
    given = {"client_id": "made-up", "client_secret": "made-up-secret", "base_url": "https://usps.test", **settings}
    http = contract_client("https://usps.test", httpx.MockTransport(handler))
    return UspsAdapter(UspsSettings(**given), http, clock=lambda: datetime(2026, 1, 15, 14, 5, tzinfo=UTC))


def event(code: str, text: str = "", at: str = "2026-01-15T06:10:00Z") -> dict[str, Any]:
    return {"eventCode": code, "eventType": text, "eventTimestamp": at}


def pushed(*events: dict[str, Any], **detail: Any) -> list[Scan]:
    payload = json.dumps({"trackingNumber": NUMBER, "trackingEvents": events, **detail})
    envelope = {"subscriptionId": "made-up", "timestamp": "2026-01-15T14:03:00Z", "payload": payload}
    return adapter().receive(Push(body=json.dumps(envelope).encode()))


def test_the_signature_is_the_vectors() -> None:
    given, signature = VECTOR["inputs"], VECTOR["expected"]["X-HMAC"]
    push = Push(headers={"x-hmac": signature}, body=given["body_envelope"].encode())
    adapter(secret=given["secret"]).verify(push)
    adapter(secret="f" * 32, previous_secret=given["secret"]).verify(push)
    [scan] = adapter().receive(push)
    assert (scan.status, scan.tracking_number, scan.at.isoformat()) == (
        Status.DELIVERED,
        NUMBER,
        "2026-01-15T14:03:00+00:00",
    )
    for other in (adapter(secret="f" * 32), adapter()):
        with pytest.raises(BadSignature):
            other.verify(push)


def test_half_a_character_in_a_signed_text_is_a_bad_signature() -> None:
    body = b'{"timestamp":"2026-01-15T14:03:00Z","payload":"\\ud800"}'
    with pytest.raises(BadSignature):
        adapter(secret="f" * 32).verify(Push(headers={"x-hmac": "AAAA"}, body=body))


@pytest.mark.parametrize("row", [row.strip() for line in CODES.strip().splitlines() for row in line.split("|")])
def test_every_code_of_the_sheet_is_mapped(row: str) -> None:
    means, *codes = row.split()
    status, _, reason = means.partition("/")
    for code in codes:
        scan = pushed(event(code))[0]
        assert (scan.status, scan.reason or "", scan.carrier_code) == (status, reason, code)


@pytest.mark.parametrize(("category", "wanted"), CATEGORIES.items())
def test_every_category_of_the_sheet_is_mapped(category: str, wanted: tuple[Status, Reason | None]) -> None:
    [scan] = pushed(statusCategory=category)
    assert (scan.status, scan.reason) == wanted


@pytest.mark.parametrize("category", ["Non-Tracking Updates", ""])
def test_a_category_that_says_nothing_is_no_scan(category: str) -> None:
    assert pushed(statusCategory=category) == []


@pytest.mark.parametrize(("text", "wanted"), TEXTS.items())
def test_the_text_of_a_code_in_no_table_is_read(text: str, wanted: tuple[Status, Reason | None]) -> None:
    [scan] = pushed(event("ZZ", text))
    assert (scan.status, scan.reason, scan.inferred) == (*wanted, wanted[0] is not Status.UNKNOWN)


def test_the_text_of_a_listed_code_changes_only_a_delivery() -> None:
    assert [scan.status for scan in pushed(event("10", "Arriving late, customs, refused"))] == [Status.IN_TRANSIT]
    assert [scan.status for scan in pushed(event("01", "Delivered, to sender"))] == [Status.RETURNED]
    assert [scan.status for scan in pushed(event("01", "Delivered"))] == [Status.DELIVERED]


def test_the_status_of_the_parcel_names_the_sender_for_its_newest_event() -> None:
    older = event("01", "Delivered", "2026-01-14T06:10:00Z")
    new, old = pushed(event("01", "Delivered"), older, status="Delivered, To Original Sender")
    assert {new.status, old.status} == {Status.RETURNED, Status.DELIVERED}


def test_delivered_needs_the_category_where_the_code_is_not_listed() -> None:
    scans = pushed(event("ZZ", "Delivered, Front Desk"), statusCategory="Delivered")
    assert fold_scans(scans).status is Status.DELIVERED
    assert not fold_scans(scans).newest_unknown
    old = event("ZZ", "Something", "2026-01-14T06:10:00Z")
    assert len(pushed(event("OF"), old, statusCategory="Out for Delivery")) == 2


def test_an_alert_says_what_it_is_about() -> None:
    [scan] = pushed(statusCategory="Alert", status="Insufficient Address")
    assert (scan.status, scan.reason) == (Status.EXCEPTION, Reason.ADDRESS_PROBLEM)


@pytest.mark.parametrize(
    ("given", "at", "basis"),
    [
        ({"eventTimestamp": "2026-01-15T06:10:00Z"}, "2026-01-15T06:10:00+00:00", Basis.UNKNOWN),
        ({"eventTimestamp": "2026-01-15T06:10:00"}, "2026-01-15T06:10:00+00:00", Basis.UNKNOWN),
        ({"eventTimestamp": "2026-01-15T06:10:00-06:00"}, "2026-01-15T06:10:00-06:00", Basis.GIVEN),
        ({"GMTTimestamp": "2026-01-15T12:10:00Z", "GMTOffset": "-6"}, "2026-01-15T06:10:00-06:00", Basis.GIVEN),
        ({"GMTTimestamp": "2026-01-15T12:10:00Z"}, "2026-01-15T12:10:00+00:00", Basis.GIVEN),
    ],
)
def test_times_are_no_more_certain_than_they_are(given: dict[str, str], at: str, basis: Basis) -> None:
    [scan] = pushed({"eventCode": "10", **given})
    assert (scan.at.isoformat(), scan.basis) == (at, basis)


class Usps:
    """A stand-in: issues tokens, keeps labels by key, answers the rest with `answer`."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] = nobody, *, lose: bool = False) -> None:
        self.answer = answer
        self.lose = lose
        self.labels: dict[str, str] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, key = request.url.path, request.headers.get("x-idempotency-key", "")
        self.asked.append(path)
        if path == "/oauth2/v3/token":
            return httpx.Response(200, json={"access_token": "bearer", "expires_in": "28799", "scope": "tracking"})
        if path == "/payments/v3/payment-authorization":
            return httpx.Response(200, json={"paymentAuthorizationToken": "payment"})
        if path == "/labels/v3/label-reprint" and key not in self.labels:
            error = {"code": "400", "message": "Bad Request", "errors": [{"code": "160412", "detail": "not found"}]}
            return httpx.Response(400, json={"error": error})
        if path == "/labels/v3/label-reprint":
            return httpx.Response(200, json={"trackingNumber": self.labels[key]})
        if path != "/labels/v3/label":
            return self.answer(request)
        self.labels[key] = f"94{len(self.labels)}"
        if self.lose:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(200, json={"trackingNumber": self.labels[key]})


def v3(request: httpx.Request) -> httpx.Response:
    assert (request.method, request.url.params["expand"]) == ("GET", "DETAIL")
    number = request.url.path.removeprefix("/tracking/v3/tracking/")
    if number == NUMBER:
        detail = {"trackingNumber": number, "statusCategory": "Delivered", "trackingEvents": [event("01")]}
        return httpx.Response(200, json=detail)
    error = {"code": number, "message": "no", "errors": []}
    return httpx.Response(400, json={"apiVersion": "/tracking/v3", "error": error})


async def test_v3_is_asked_for_one_number_at_a_time() -> None:
    speaks = adapter(Usps(v3), tracking_version="v3")
    assert (speaks.batch, adapter().batch) == (1, 35)
    unknown = LegRef(carrier="usps", tracking_number="150001")
    assert [scan.status for scan in await speaks.poll([LEG, unknown])] == [Status.DELIVERED]
    with pytest.raises(Refused) as refused:
        await speaks.poll([LegRef(carrier="usps", tracking_number="OASValidation")])
    assert (refused.value.code, refused.value.config) == ("OASValidation", False)


async def test_one_key_buys_once_though_usps_would_sell_twice() -> None:
    usps, home = Usps(lose=True), Party(name="Alex Sample", address=Address(country="US"))
    speaks, parcel = adapter(usps, **PAYER), Parcel(order_id="SO-1", sender=home, recipient=home)
    with pytest.raises(OutcomeUnknown):
        await speaks.book(parcel, "case-1")
    usps.lose = False
    booking = await speaks.book(parcel, "case-1")
    assert await speaks.find_booking("case-1") == booking
    assert (len(usps.labels), usps.asked.count("/labels/v3/label")) == (1, 1)
    assert usps.asked.count("/payments/v3/payment-authorization") == 1
    assert (await speaks.book(parcel, "case-2")).tracking_number != booking.tracking_number


async def test_labels_without_a_payment_account_are_for_a_person() -> None:
    with pytest.raises(Refused, match="is missing") as refused:
        await adapter(Usps()).find_booking("case-1")
    assert refused.value.config


def test_what_an_account_can_do_depends_on_its_settings() -> None:
    def able(**settings: Any) -> Can:
        speaks = adapter(**settings)
        return speaks.able(speaks.settings)

    assert able() == Can.POLL
    assert able(secret="f" * 32) == Can.POLL | Can.WEBHOOK
    assert able(secret="f" * 32, listener_url="https://shop.test") == Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    assert able(**PAYER) == Can.POLL | Can.BOOK | Can.CANCEL
    assert timedelta(seconds=UspsAdapter.subscription_life or 0) == timedelta(days=30)
