"""AfterShip: the sheet's vectors, and what its samples cannot show."""

from __future__ import annotations

import base64
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from adapters.aftership import AfterShipAdapter
from adapters.aftership.settings import AfterShipSettings
from adapters.aftership.signing import sign_string, signed_headers
from adapters.aftership.statuses import PENDING, STATUSES
from gateway.contract import BadPayload, BadSignature, Meaning, Push
from gateway.contract.client import contract_client
from gateway.contract.meanings import asked, finer
from gateway.domain import Basis, LegRef, Scan, Status

SAMPLES = Path(__file__).parent.parent / "samples" / "aftership"
VECTORS: dict[str, dict[str, Any]] = {
    vector["name"]: vector for vector in json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))
}
BASE = "https://aftership.test/tracking/2024-04"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEG = LegRef(carrier="usps", tracking_number="TEST0000000001", company="usps", phone="+8613800005514")


def settings(**given: Any) -> AfterShipSettings:
    known = {"base_url": BASE, "api_key": "asat_testkey_0001", "webhook_secret": "as_whsec_0123456789abcdef"}
    return AfterShipSettings(**{**known, **given})


def adapter(handler: Any, **given: Any) -> AfterShipAdapter:
    checked = settings(**given)
    client = contract_client(checked.base_url, httpx.MockTransport(handler))
    return AfterShipAdapter(checked, client, clock=lambda: NOW)


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


class Vendor:
    """A stand-in that remembers what it was asked and always answers the same."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(200, json={"meta": {"code": 200}, "data": self.data})


@pytest.mark.parametrize("name", ["request_hmac_post", "request_hmac_get"])
def test_a_request_is_signed_as_the_vectors_say(name: str) -> None:
    given, expected = VECTORS[name]["inputs"], VECTORS[name]["expected"]
    body = given["body"].encode()
    found = signed_headers(settings(api_secret=given["secret"]), NOW, given["method"], given["resource"], body)
    signed = sign_string(given["method"], given["resource"], body, given["date"], given["as_headers"]).split("\n")
    assert found["as-signature-hmac-sha256"] == expected["as-signature-hmac-sha256"]
    assert (found["date"], found.get("content-type", "")) == (given["date"], given["content_type"])
    assert signed[1] == expected["content_md5"]


async def test_the_create_of_the_vector_is_what_goes_out() -> None:
    vendor, vector = Vendor({}), VECTORS["request_hmac_post"]
    await adapter(vendor, api_secret=vector["inputs"]["secret"]).subscribe(LEG)
    [request] = vendor.asked
    assert request.content.decode() == vector["inputs"]["body"]
    assert request.headers["as-signature-hmac-sha256"] == vector["expected"]["as-signature-hmac-sha256"]
    assert request.headers["date"] == vector["inputs"]["date"]


async def test_the_signed_resource_is_the_one_that_is_sent() -> None:
    vendor = Vendor({"trackings": []})
    checked = settings(api_secret="assec_testsecret_0001")
    await adapter(vendor, api_secret="assec_testsecret_0001").poll([LEG, LegRef(carrier="usps", tracking_number="A B")])
    [request] = vendor.asked
    resource = request.url.raw_path.decode()
    assert [pair.split("=")[0] for pair in resource.split("?")[1].split("&")] == [
        "created_at_min",
        "limit",
        "tracking_numbers",
    ]
    expected = signed_headers(checked, NOW, "GET", resource, b"")["as-signature-hmac-sha256"]
    assert request.headers["as-signature-hmac-sha256"] == expected
    assert "content-type" not in request.headers


async def test_without_a_secret_nothing_is_signed() -> None:
    vendor = Vendor({"trackings": []})
    await adapter(vendor).poll([LEG])
    assert not {"date", "as-signature-hmac-sha256", "as-signature-rsa-sha256"} & vendor.asked[0].headers.keys()


def test_rsa_signs_the_same_text() -> None:
    key = generate_rsa_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    found = signed_headers(settings(rsa_private_key=pem), NOW, "GET", "/tracking/2024-04/trackings?limit=2", b"")
    said = sign_string(
        "GET", "/tracking/2024-04/trackings?limit=2", b"", found["date"], {"as-api-key": "asat_testkey_0001"}
    )
    salted = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
    key.public_key().verify(base64.b64decode(found["as-signature-rsa-sha256"]), said.encode(), salted, SHA256())


def test_a_key_that_cannot_sign_is_refused_at_the_start() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for pem in ("not a key", other):
        with pytest.raises(ValidationError, match="rsa_private_key"):
            settings(rsa_private_key=pem)


def test_an_api_key_signs_in_one_way() -> None:
    key = generate_rsa_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValidationError, match="one way only"):
        settings(rsa_private_key=pem, api_secret="assec_testsecret_0001")


def test_a_push_is_verified_as_the_vector_says() -> None:
    vector = VECTORS["push_hmac"]
    body, given = vector["inputs"]["body"].encode(), vector["expected"]["aftership-hmac-sha256"]
    push = Push(headers={"aftership-hmac-sha256": given}, body=body)
    adapter(nobody, webhook_secret=vector["inputs"]["secret"]).verify(push)
    adapter(nobody, webhook_secret="another", previous_webhook_secret=vector["inputs"]["secret"]).verify(push)
    with pytest.raises(BadSignature):
        adapter(nobody, webhook_secret="another").verify(push)
    with pytest.raises(BadPayload):
        adapter(nobody).receive(push)


@pytest.mark.parametrize(
    ("version", "wrapped", "wraps"),
    [
        ("2023-10", None, True),
        ("2024-04", None, True),
        ("2024-07", None, False),
        ("2026-07", None, False),
        ("2026-07", True, True),
        ("2024-04", False, False),
        ("", None, False),
    ],
)
def test_old_versions_wrap(version: str, wrapped: bool | None, wraps: bool) -> None:
    assert settings(base_url=f"https://api.aftership.com/tracking/{version}", wrapped=wrapped).wraps is wraps


async def test_couriers_that_want_a_phone_get_its_last_digits() -> None:
    vendor = Vendor({})
    await adapter(vendor, phone_field="tracking_key", wrapped=False).subscribe(LEG)
    assert json.loads(vendor.asked[0].content)["tracking_key"] == "5514"


async def test_a_list_that_never_ends_is_no_answer() -> None:
    endless = Vendor({"trackings": [], "pagination": {"has_next_page": True, "next_cursor": "c"}})
    with pytest.raises(BadPayload, match="has_next_page"):
        await adapter(endless).poll([LEG])


async def test_a_courier_account_that_is_not_connected_is_said(caplog: pytest.LogCaptureFixture) -> None:
    tracking = {"tracking_number": "TEST0000000001", "slug": "usps", "tag": "Pending", "subtag": "Pending_002"}
    with caplog.at_level(logging.WARNING):
        assert await adapter(Vendor({"trackings": [{**tracking, "checkpoints": []}]})).poll([LEG]) == []
    assert "no account of this courier is connected" in caplog.text


def test_the_tables_are_whole() -> None:
    assert len([word for word in STATUSES if "_" in word]) == 42 and len(PENDING) == 7
    assert len([word for word in STATUSES if "_" not in word]) == 8


TABLE = {"Go": Meaning(Status.IN_TRANSIT), "Done": Meaning(Status.DELIVERED), "Go_1": Meaning(Status.PICKED_UP)}


@pytest.mark.parametrize(
    ("coarse", "fine", "wanted"),
    [
        ("Go", "Go_1", "Go_1"),
        ("Go", "Go_2", "Go"),
        ("Go", "", "Go"),
        ("Done", "", "Done"),
        ("Done", "Done_7", "Done"),
        ("Done", "Go_2", "Go_2"),
        ("Done", "Go_1", "Go_1"),
        ("Fly", "Fly_1", "Fly_1"),
        ("Fly", "", "Fly"),
        ("", "", ""),
        ("Wait", "", None),
        ("Wait", "Wait_1", None),
        ("Done", "Wait", None),
        ("Wait", "Go_1", "Go_1"),
    ],
)
def test_a_final_needs_both_words_or_a_listed_one(coarse: str, fine: str, wanted: str | None) -> None:
    assert finer(TABLE, coarse, fine, {"Wait"}) == wanted


def test_scans_of_a_company_nobody_asked_about_are_left_out() -> None:
    def said(number: str, company: str | None) -> Scan:
        return Scan(tracking_number=number, company=company, at=NOW, basis=Basis.GIVEN, status=Status.IN_TRANSIT)

    legs = [LegRef(carrier="a", tracking_number="AB1", company="a"), LegRef(carrier="b", tracking_number="AB2")]
    scans = [said("ab 1", "a"), said("AB1", "b"), said("AB2", "b"), said("AB2", None), said("AB3", "a")]
    assert asked(legs, scans) == [scans[0], scans[2], scans[3]]
