"""FedEx: the sheet's vector, its whole table of codes, and what follows from several answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.fedex import FedexAdapter, FedexSettings
from gateway.contract import BadSignature, Can, Push, Refused
from gateway.contract.client import contract_client
from gateway.domain import Address, LegRef, Parcel, Party, Reason, Status
from gateway.rules.fold import fold_scans

SAMPLES = Path(__file__).parent.parent / "samples" / "fedex"
VECTOR = json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))[0]
NUMBER = "123456789012"
#: Table (e) of the sheet, row by row.
SHEET = """
pre_transit/ OC IN AP EP DS DR | exception/carrier_delay PD DY DD | picked_up/ PU PX DO TP
in_transit/ IT IX AR AF AA AC AX DP LO EO EA FD OF OX PF PL PM SF TR CH SP ED CC | info/ AE AO
exception/customs_hold CD | customs/ CP | out_for_delivery/ OD AD | available_for_pickup/ HL HP | delivered/ DL
exception/other DE SE | returning/ RS RT | cancelled/ CA | info/ RC RM RR RD RG RP LP
"""
TROUBLES = {
    "Customer not available or business closed": (Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    "Incorrect address": (Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "Refused by recipient": (Status.EXCEPTION, Reason.REFUSED),
    "Damaged, delivery not completed": (Status.EXCEPTION, Reason.DAMAGED),
    "Unable to locate package": (Status.EXCEPTION, Reason.LOST),
    "Local delay: natural disaster": (Status.EXCEPTION, Reason.WEATHER),
    "Regulatory agency clearance": (Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    "Security delay": (Status.EXCEPTION, Reason.SECURITY),
    "Duties are due": (Status.EXCEPTION, Reason.PAYMENT_DUE),
    "Hold expired": (Status.EXCEPTION, Reason.UNCLAIMED),
    "Future delivery requested": (Status.EXCEPTION, Reason.OTHER),
}


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


def adapter(handler: Callable[[httpx.Request], httpx.Response] = nobody, **settings: Any) -> FedexAdapter:
    given = {"client_id": "made-up", "client_secret": "made-up-secret", "base_url": "https://fedex.test", **settings}
    http = contract_client("https://fedex.test", httpx.MockTransport(handler))
    return FedexAdapter(FedexSettings(**given), http, clock=lambda: datetime(2026, 1, 16, tzinfo=UTC))


def pushed(*events: dict[str, Any], **result: Any) -> Push:
    rows = [{"date": f"2026-01-15T{hour:02}:00:00-06:00", **event} for hour, event in enumerate(events, 8)]
    parcel = {"trackingNumber": NUMBER, "trackResults": [{"scanEvents": rows[::-1], **result}]}
    return Push(body=json.dumps({"output": {"completeTrackResults": [parcel]}}).encode())


def test_the_signature_is_the_vectors() -> None:
    token, body = VECTOR["inputs"]["token"], VECTOR["inputs"]["body"].encode()
    push = Push(headers={"fdx-signature": VECTOR["expected"]["fdx-signature"]}, body=body)
    adapter(security_token=token).verify(push)
    adapter(security_token="the-next-Token-0123456789", previous_security_token=token).verify(push)
    with pytest.raises(BadSignature):
        adapter(security_token="another-Token-0123456789").verify(push)
    with pytest.raises(BadSignature):
        adapter().verify(push)


@pytest.mark.parametrize("row", [row.strip() for line in SHEET.strip().splitlines() for row in line.split("|")])
def test_every_code_of_the_sheet_is_mapped(row: str) -> None:
    means, *codes = row.split()
    status, _, reason = means.partition("/")
    for code in codes:
        found = adapter().statuses[code]
        assert (found.status, found.reason or "") == (status, reason), code


def test_no_code_is_mapped_that_the_sheet_does_not_have() -> None:
    listed = {word for word in SHEET.replace("|", " ").split() if "/" not in word}
    assert adapter().statuses.keys() == listed


@pytest.mark.parametrize(("text", "wanted"), TROUBLES.items())
@pytest.mark.parametrize("code", ["DE", "SE"])
def test_the_text_of_a_trouble_gives_its_reason(code: str, text: str, wanted: tuple[Status, Reason]) -> None:
    [scan] = adapter().receive(pushed({"eventType": code, "exceptionDescription": text}))
    assert (scan.status, scan.reason) == wanted


def test_a_text_changes_no_code_but_those_of_the_sheet() -> None:
    [scan] = adapter().receive(pushed({"eventType": "AR", "eventDescription": "Package damaged, out for delivery"}))
    assert (scan.status, scan.reason, scan.inferred) == (Status.IN_TRANSIT, None, False)


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ("PU OD DL", Status.DELIVERED),
        ("PU OD DL AR", Status.IN_TRANSIT),
        ("PU OD DL DE", Status.EXCEPTION),
        ("PU OD DL DL AR OD", Status.OUT_FOR_DELIVERY),
        ("PU OD DL AR OD DL", Status.DELIVERED),
        ("PU OD DL RC", Status.DELIVERED),
        ("PU DL RS AR DL", Status.RETURNED),
    ],
)
def test_a_delivery_that_was_none_does_not_last(codes: str, wanted: Status) -> None:
    scans = adapter().receive(pushed(*({"eventType": code} for code in codes.split())))
    assert fold_scans(scans).status is wanted
    assert fold_scans(scans[::-1] * 2).status is wanted


def test_a_return_is_inferred_by_the_fold_where_nothing_names_the_shipper() -> None:
    state = fold_scans(adapter().receive(pushed({"eventType": "RS"}, {"eventType": "DL"})))
    assert (state.status, state.inferred) == (Status.RETURNED, True)


def test_a_return_the_text_tells_of_needs_no_history() -> None:
    [scan] = adapter().receive(pushed({"eventType": "DL", "eventDescription": "Delivered to shipper"}))
    assert scan.status is Status.RETURNED


async def test_a_token_serves_until_shortly_before_its_end() -> None:
    asked = []

    def fedex(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "bearer", "expires_in": 3600})
        return httpx.Response(200, json={"output": {"completeTrackResults": []}})

    speaks, leg = adapter(fedex), LegRef(carrier="fedex", tracking_number=NUMBER)
    assert [await speaks.poll([leg]), await speaks.poll([leg, leg])] == [[], []]
    assert asked == ["/oauth/token", "/track/v1/trackingnumbers", "/track/v1/trackingnumbers"]


async def test_a_resellers_customer_has_keys_of_its_own() -> None:
    forms = []

    def fedex(request: httpx.Request) -> httpx.Response:
        forms.append(dict(httpx.QueryParams(request.content.decode())))
        return httpx.Response(401, json={"errors": [{"code": "NOT.AUTHORIZED.ERROR", "message": "no"}]})

    with pytest.raises(Refused):
        await adapter(fedex, child_key="child", child_secret="child-secret").poll(
            [LegRef(carrier="fedex", tracking_number=NUMBER)]
        )
    ours = {"client_id": "made-up", "client_secret": "made-up-secret"}
    child = {"child_key": "child", "child_secret": "child-secret"}
    assert forms == [{"grant_type": "csp_credentials", **ours, **child}]
    with pytest.raises(ValidationError, match="go together"):
        adapter(child_key="child")


def test_what_an_account_can_do_depends_on_its_settings() -> None:
    def able(**settings: Any) -> Can:
        speaks = adapter(**settings)
        return speaks.able(speaks.settings)

    assert able() == Can.POLL
    assert able(security_token="made-up") == Can.POLL | Can.WEBHOOK
    assert able(account_number="123456789") == Can.POLL | Can.BOOK | Can.CANCEL


async def test_an_order_without_an_account_is_for_a_person() -> None:
    home = Party(name="A. Sample", address=Address(country="US"))
    with pytest.raises(Refused, match="account_number") as refused:
        await adapter().book(Parcel(order_id="SO-1", sender=home, recipient=home), "case-1")
    assert refused.value.config
