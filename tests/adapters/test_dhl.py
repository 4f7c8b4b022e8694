"""DHL: the sheet's vector, its table of texts row by row, the hand-shake, and Express codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.dhl import DhlAdapter, DhlSettings
from gateway.contract import BadPayload, BadSignature, Can, Push, Refused, Unavailable
from gateway.contract.client import contract_client
from gateway.domain import Address, Basis, LegRef, Parcel, Party, Reason, Scan, Status
from gateway.rules.fold import fold_scans

SAMPLES = Path(__file__).parent.parent / "samples" / "dhl"
VECTOR = json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))[0]
NUMBER = "00340400000000000001"
LEG = LegRef(carrier="dhl", tracking_number=NUMBER)
MYDHL = {"username": "apiTestUser", "password": "apiTestPass", "account_number": "123456789"}
SELF = "https://api-eu.dhl.com/tracking/push/v1/subscription/aaaaaaaa-0000-4000-8000-000000000001"
VALIDATE = {"scope": "subscription.validate", "self": SELF, "secret": "temporary-secret-0001"}
ABSENT = (Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT)
#: Table (e) of the sheet, row by row, with what its rows leave out; (IN_TRANSIT, None) is "no row".
TEXTS = {
    "The shipment is returned to the shipper": (Status.RETURNING, None),
    "Return to sender": (Status.RETURNING, None),
    "Shipment cancelled": (Status.CANCELLED, None),
    "The shipment has been cancelled by the sender before pick-up": (Status.CANCELLED, None),
    "The appointment for this shipment has been cancelled": (Status.IN_TRANSIT, None),
    "The pick-up has been cancelled": (Status.IN_TRANSIT, None),
    "The redirection of the shipment has been cancelled": (Status.IN_TRANSIT, None),
    "Recipient refused delivery": (Status.EXCEPTION, Reason.REFUSED),
    "The shipment was damaged": (Status.EXCEPTION, Reason.DAMAGED),
    "The shipment is lost": (Status.EXCEPTION, Reason.LOST),
    "The parcel is missing": (Status.EXCEPTION, Reason.LOST),
    "Missing documents": (Status.IN_TRANSIT, None),
    "The data has been lost": (Status.IN_TRANSIT, None),
    "Clearance delay": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Held in customs": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Awaiting further documents": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Customs clearance: further information required": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Awaiting duties": (Status.EXCEPTION, Reason.PAYMENT_DUE),
    "Payment is required": (Status.EXCEPTION, Reason.PAYMENT_DUE),
    "Duties and taxes have been paid": (Status.IN_TRANSIT, None),
    "Cleared customs at LEIPZIG": (Status.IN_TRANSIT, None),
    "Clearance processing complete at LEIPZIG": (Status.IN_TRANSIT, None),
    "Customs status updated": (Status.CUSTOMS, None),
    "The shipment is in customs": (Status.CUSTOMS, None),
    "Customs: clearance processing": (Status.CUSTOMS, None),
    "The address is incorrect": (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "Incomplete address": (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "Shipment is out with courier for delivery": (Status.OUT_FOR_DELIVERY, None),
    "The shipment has been loaded onto the delivery vehicle": (Status.OUT_FOR_DELIVERY, None),
    "Die Sendung wurde in das Zustellfahrzeug geladen": (Status.OUT_FOR_DELIVERY, None),
    "Available for collection": (Status.AVAILABLE_FOR_PICKUP, None),
    "The shipment has arrived at the Packstation 123": (Status.AVAILABLE_FOR_PICKUP, None),
    "The shipment is on its way to the Packstation, ready for pick-up tomorrow": (Status.IN_TRANSIT, None),
    "A delivery attempt was made": ABSENT,
    "Consignee premises closed": ABSENT,
    "Severe weather": (Status.EXCEPTION, Reason.WEATHER),
    "Shipment on hold": (Status.EXCEPTION, Reason.CARRIER_DELAY),
    "The transport is delayed": (Status.EXCEPTION, Reason.CARRIER_DELAY),
    "Shipment picked up": (Status.PICKED_UP, None),
    "Collected from the sender": (Status.PICKED_UP, None),
    "The shipment will be picked up": (Status.IN_TRANSIT, None),
    "Picked up by the recipient": (Status.IN_TRANSIT, None),
    "Delivered": (Status.IN_TRANSIT, None),
    "Arrived at DHL facility": (Status.IN_TRANSIT, None),
}
EXPRESS = """
pre_transit/ SA | picked_up/ PU | in_transit/ PL DF AF TR FD AR CR CI SM TP | customs/ RR IC RW | delivered/ OK
exception/customs_hold CD UD | out_for_delivery/ WC | exception/other DL SS | available_for_pickup/ CC
attempt_failed/recipient_absent NH CA | attempt_failed/ ND | exception/address_problem BA | exception/refused RD
exception/damaged DM | exception/carrier_delay MS MC OH | returning/ RT | exception/payment_due HP | unknown/ ZZ
"""


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


def adapter(handler: Callable[[httpx.Request], httpx.Response] = nobody, **settings: Any) -> DhlAdapter:
    given = {
        "dhl_api_key": "made-up-key",
        "base_url": "https://dhl.test",
        "mydhl_url": "https://express.test",
        **settings,
    }
    http = contract_client("https://dhl.test", httpx.MockTransport(handler))
    return DhlAdapter(DhlSettings(**given), http, clock=lambda: datetime(2026, 1, 15, 23, 59, tzinfo=UTC))


def push(event: dict[str, Any], **more: Any) -> Push:
    return Push(body=json.dumps(event).encode(), **more)


def told(word: str, *texts: str) -> list[Scan]:
    """The scans of texts, the newest first."""
    hours = range(8 + len(texts), 8, -1)
    events = [
        {"timestamp": f"2026-01-15T{hour:02}:00:00Z", "statusCode": word, "description": text}
        for hour, text in zip(hours, texts, strict=True)
    ]
    shipment = {"id": NUMBER, "status": events[0], "events": events}
    return adapter().receive(push({"scope": "subscription.push", "shipments": [shipment]}))


@pytest.mark.parametrize(("text", "wanted"), TEXTS.items())
def test_the_text_of_transit_is_read_row_by_row(text: str, wanted: tuple[Status, Reason | None]) -> None:
    [scan] = told("transit", text)
    assert (scan.status, scan.reason) == wanted
    [scan] = told("failure", text.upper())
    assert scan.inferred or (scan.status, scan.reason) == (Status.EXCEPTION, Reason.OTHER)


@pytest.mark.parametrize("word", ["pre-transit", "delivered", "unknown"])
@pytest.mark.parametrize("text", [text for text in TEXTS if "return" not in text.lower()])
def test_no_other_word_is_refined(word: str, text: str) -> None:
    plain = {"pre-transit": Status.PRE_TRANSIT, "delivered": Status.DELIVERED, "unknown": Status.UNKNOWN}
    [scan] = told(word, text)
    assert (scan.status, scan.reason, scan.inferred) == (plain[word], None, False)


@pytest.mark.parametrize("text", ["Returned to shipper", "The shipment has been delivered to the original sender"])
def test_a_delivery_to_the_sender_is_a_return(text: str) -> None:
    [scan] = told("delivered", text)
    assert scan.status is Status.RETURNED


def test_only_the_first_scan_in_the_parcel_center_of_origin_is_a_pick_up() -> None:
    text = "The shipment has been processed in the parcel center of origin"
    assert [scan.status for scan in told("transit", "On its way", text)].count(Status.PICKED_UP) == 1
    assert Status.PICKED_UP not in {scan.status for scan in told("transit", text, "On its way")}


async def test_several_divisions_that_know_a_number_are_no_answer() -> None:
    status = {"timestamp": "2026-01-15T09:00:00Z", "statusCode": "transit"}
    both = [{"id": NUMBER, "service": service, "status": status} for service in ("express", "freight")]

    def dhl(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"shipments": both})

    with pytest.raises(Refused, match=r"express, freight.*service"):
        await adapter(dhl).poll([LEG])
    assert len(await adapter(dhl, service="freight").poll([LEG])) == 1


async def test_a_404_of_somebody_else_is_not_dhls() -> None:
    with pytest.raises(BadPayload):
        await adapter(lambda request: httpx.Response(404, text="<html>no such host</html>")).poll([LEG])


async def test_the_day_of_a_quota_ends_at_midnight_gmt() -> None:
    def dhl(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"detail": "The quota of this key is used up"})

    with pytest.raises(Unavailable) as limited:
        await adapter(dhl).poll([LEG])
    assert limited.value.retry_after == 60


async def test_the_hand_shake_sends_the_temporary_secret_back() -> None:
    asked: list[tuple[str, str, str]] = []

    def dhl(request: httpx.Request) -> httpx.Response:
        headers = request.headers
        asked.append((f"{request.method} {request.url.path}", headers["dhl-api-hook-secret"], headers["dhl-api-key"]))
        return httpx.Response(202)

    speaks = adapter(dhl)
    in_header = push({**VALIDATE, "secret": None}, headers={"dhl-api-hook-secret": "temporary-secret-0002"})
    for request in (push(VALIDATE), in_header):
        assert speaks.receive(request) == []
        await speaks.follow_up(request)
    path = "POST /tracking/push/v1/subscription/aaaaaaaa-0000-4000-8000-000000000001"
    assert asked == [(path, f"temporary-secret-000{number}", "made-up-key") for number in (1, 2)]


@pytest.mark.parametrize(
    "wrong",
    [{"self": "https://evil.test/subscription/../../track"}, {"self": ""}, {"secret": ""}, {"secret": "two\r\nlines"}],
)
async def test_a_hand_shake_that_is_none_calls_nobody(wrong: dict[str, str]) -> None:
    with pytest.raises(BadPayload):
        await adapter().follow_up(push(VALIDATE | wrong))


async def test_a_subscription_that_failed_is_for_a_person_and_the_others_for_nobody() -> None:
    failure = {"title": "Not allowed", "detail": "made up"}
    with pytest.raises(Refused, match="Not allowed made up"):
        await adapter().follow_up(push({"scope": "subscription.failure", "self": SELF, "failure": failure}))
    for scope in ("activate", "ready", "push", "deleted"):
        await adapter().follow_up(push({"scope": f"subscription.{scope}", "self": SELF, "shipments": []}))


def test_pushes_are_believed_by_token_or_on_the_secret_path() -> None:
    event = {"scope": "subscription.ready"}
    given = push(event, headers={"x-our-header": "made-up-token"})
    adapter(hook_header="X-Our-Header", hook_token="made-up-token").verify(given)
    adapter(hook_header="X-Our-Header", hook_token="next-token", previous_hook_token="made-up-token").verify(given)
    adapter().verify(push(event, token="-"))
    for speaks, forged in (
        (adapter(hook_token="made-up-token"), given),
        (adapter(hook_token="made-up-token"), push(event, token="-")),
        (adapter(), given),
    ):
        with pytest.raises(BadSignature):
            speaks.verify(forged)


@pytest.mark.parametrize("row", [row.strip() for line in EXPRESS.strip().splitlines() for row in line.split("|")])
async def test_express_is_read_with_its_own_codes(row: str) -> None:
    means, *codes = row.split()
    status, _, reason = means.partition("/")
    for code in codes:
        scans = await express(code)
        assert [(scan.status, scan.reason or "", scan.carrier_code) for scan in scans] == [
            (status, reason, f"express:{code}")
        ]


async def express(*codes: str) -> list[Scan]:
    events = [
        {"date": "2026-01-15", "time": f"1{hour}:00:00", "GMTOffset": "+01:00", "typeCode": code, "description": code}
        for hour, code in enumerate(codes)
    ]

    def mydhl(request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(f"https://express.test/shipments/{NUMBER}/tracking?trackingView=all")
        assert request.headers["authorization"] == VECTOR["expected"]["Authorization"]
        return httpx.Response(200, json={"shipments": [{"shipmentTrackingNumber": NUMBER, "events": events}]})

    account = {"username": VECTOR["inputs"]["username"], "password": VECTOR["inputs"]["password"]}
    return await adapter(mydhl, tracking="mydhl", **account).poll([LEG])


async def test_express_returned_is_concluded_by_the_fold() -> None:
    scans = await express("PU", "RT", "OK")
    assert fold_scans(scans).status is Status.RETURNED
    assert {scan.basis for scan in scans} == {Basis.GIVEN}
    assert scans[0].at.isoformat() == "2026-01-15T10:00:00+01:00"


async def test_express_not_found_is_an_absence() -> None:
    def mydhl(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"title": "No data found", "status": 404})

    assert await adapter(mydhl, tracking="mydhl", **MYDHL).poll([LEG]) == []


def test_what_an_account_can_do_depends_on_its_settings() -> None:
    def able(**settings: Any) -> Can:
        speaks = adapter(**settings)
        return speaks.able(speaks.settings)

    assert able() == Can.POLL | Can.WEBHOOK
    assert able(hook_uri="https://shop.test") == Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE
    assert able(**MYDHL) == Can.POLL | Can.WEBHOOK | Can.BOOK
    with pytest.raises(ValidationError, match="tracking mydhl needs"):
        adapter(tracking="mydhl")


async def test_without_an_account_nothing_is_booked() -> None:
    home = Party(name="A. Sample", address=Address(country="DE"))
    with pytest.raises(Refused, match="username") as refused:
        await adapter().book(Parcel(order_id="SO-1", sender=home, recipient=home), "case-1")
    assert refused.value.config
    with pytest.raises(Refused, match="hook_uri"):
        await adapter().subscribe(LEG)
