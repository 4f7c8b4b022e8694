"""What samples cannot show of EMS: the sheet's vector, keys, reversals under the fold, pushes as bytes, accounts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.ems import EmsAdapter
from adapters.ems.envelope import decrypted, opened, sealed
from adapters.ems.settings import EmsSettings
from gateway.contract import BadPayload, BadSignature, Can, Push
from gateway.contract.client import contract_client
from gateway.domain import LegRef, Scan, Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "ems"
(VECTOR,) = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
KEY = "ZGVtby1zbTQta2V5LTAwMQ=="
NUMBER = "9800000000001"


def adapter(asked: list[httpx.Request] | None = None, **settings: Any) -> EmsAdapter:
    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json={"code": "00000", "retBody": "[]"})

    given = {"base_url": "https://ems.test/amp", "sender_no": "1", "authorization": "made-up", "secret_key": KEY}
    read = EmsSettings.model_validate(given | settings)
    return EmsAdapter(read, contract_client(read.base_url, httpx.MockTransport(say)))


def push(envelope: str) -> Push:
    return Push(body=json.dumps({"serialNo": "1", "logitcsInterface": envelope}).encode())


def event(code: str, at: str, **more: str) -> Push:
    said = {"waybillNo": NUMBER, "opCode": code, "opTime": f"2026-03-05 {at}", **more}
    return push(sealed(json.dumps(said), KEY))


def scans(*pushes: Push, **settings: Any) -> list[Scan]:
    return [scan for one in pushes for scan in adapter(**settings).receive(one)]


def test_the_envelope_is_the_sheets() -> None:
    given, expected = VECTOR["inputs"], VECTOR["expected"]["logitcsInterface"]
    assert sealed(given["json"], given["key_base64"]) == expected
    assert decrypted(expected, given["key_base64"]) == given["json"] + given["key_base64"]
    assert opened(expected, given["key_base64"]) == given["json"]


@pytest.mark.parametrize("envelope", ["|$4|", "|$4|AAAA", "|$4|签", "", "|$3|Dl9tMEmZus1zx/9zQnnqqg==", "|$4|===="])
def test_what_is_no_envelope_is_a_bad_payload(envelope: str) -> None:
    with pytest.raises(BadPayload):
        decrypted(envelope, KEY)


@pytest.mark.parametrize("key", ["c2hvcnQ=", "not base64!", "签", "ZGVtby1zbTQta2V5LTAwMS1sb25nZXI="])
def test_a_key_is_the_base64_of_16_bytes(key: str) -> None:
    with pytest.raises(ValidationError):
        adapter(secret_key=key)


def test_a_push_whose_pluses_came_as_blanks_is_genuine() -> None:
    envelope = VECTOR["expected"]["logitcsInterface"]
    assert "+" in envelope
    adapter().verify(Push(body=b"logitcsInterface=" + envelope.encode()))


def test_a_push_with_a_block_of_rubbish_is_forged() -> None:
    envelope = event("203", "08:00:00")
    said = json.loads(envelope.body)["logitcsInterface"]
    bent = said[:30] + ("A" if said[30] != "A" else "B") + said[31:]
    with pytest.raises(BadSignature):
        adapter().verify(push(bent))


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([("702", "08:00:00"), ("742", "09:00:00")], Status.PICKED_UP),
        ([("702", "08:00:00"), ("704", "09:00:00"), ("743", "10:00:00")], Status.OUT_FOR_DELIVERY),
        ([("702", "08:00:00"), ("704", "09:00:00"), ("743", "09:00:00")], Status.OUT_FOR_DELIVERY),
        ([("704", "09:00:00"), ("743", "10:00:00"), ("704", "11:00:00")], Status.DELIVERED),
        ([("702", "08:00:00"), ("705", "09:00:00"), ("744", "10:00:00")], Status.OUT_FOR_DELIVERY),
    ],
)
def test_a_reversal_takes_back_what_it_names(told: list[tuple[str, str]], status: Status) -> None:
    kinds = {"704": {"deliverCode": "10"}, "705": {"attemptDeliveryCode": "4"}}
    pushes = [event(code, at, **kinds.get(code, {})) for code, at in [("203", "07:00:00"), *told]]
    assert fold_scans(scans(*pushes)).status is status
    assert fold_scans(scans(*reversed(pushes))).status is status


def test_an_operator_may_say_what_another_reversal_takes_back() -> None:
    told = [event("764", "07:00:00"), event("203", "08:00:00"), event("207", "09:00:00")]
    assert fold_scans(scans(*told)).status is Status.PICKED_UP
    assert fold_scans(scans(*told, reversals={"207": "203"})).status is Status.PRE_TRANSIT


def test_a_signed_return_has_its_own_code_so_a_delivery_after_a_return_is_the_recipients() -> None:
    back = event("708", "08:00:00")
    assert fold_scans(scans(back, event("711", "09:00:00"))).status is Status.RETURNED
    assert fold_scans(scans(back, event("704", "09:00:00", deliverCode="10"))).status is Status.DELIVERED


async def test_the_sandbox_is_another_address() -> None:
    asked: list[httpx.Request] = []
    await adapter(asked, sandbox=True).poll([LegRef(carrier="ems", tracking_number=NUMBER)])
    assert asked[0].url.path == "/amp/test"


def test_orders_need_the_user_they_belong_to() -> None:
    assert EmsAdapter.able(adapter().settings) == Can.POLL | Can.WEBHOOK
    assert EmsAdapter.able(adapter(ecommerce_user_id="EU-1").settings) == EmsAdapter.can


def test_a_push_of_another_key_is_forged() -> None:
    genuine = event("203", "08:00:00")
    with pytest.raises(BadSignature):
        adapter(secret_key="YW5vdGhlci1zbTQta2V5IQ==").verify(genuine)
    with pytest.raises(BadSignature):
        adapter().verify(replace(genuine, body=b"[]"))
