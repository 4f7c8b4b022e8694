"""Shipments registered without a carrier: told by the number where that is certain, else a question."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain import Check, Confidence, NumberPattern
from tests.tracking.parts import Fake, carrier, carriers
from tests.web.parts import Gate, fits, problem

UPS = "1Z999AA10123456784"


class FakeUps(Fake):
    """Brings the forms of its own numbers."""

    number_forms = (NumberPattern(form="1Z[0-9A-Z]{15}[0-9]", says=Confidence.CERTAIN, check=Check.ONE_Z, note="1Z"),)


@pytest.fixture
def face(face: Gate) -> Gate:
    """Carriers with forms from their adapter and from their row."""
    long = NumberPattern(form="SF[0-9]{13}", says=Confidence.CERTAIN, note="SF and 13 digits")
    short = NumberPattern(form="[0-9]{12}", note="12 digits")
    face.rt.carriers = carriers(
        carrier("sf", number_forms=(long, short)), carrier("zto", number_forms=(short,)), carrier("brown", FakeUps)
    )
    return face


def unnamed(number: str, **more: Any) -> dict[str, Any]:
    return {"order_id": "SO-1", "tracking_number": number, **more}


@pytest.mark.parametrize(
    ("written", "number", "code"), [("sf-1234 5678 90123", "SF1234567890123", "sf"), (UPS.lower(), UPS, "brown")]
)
async def test_a_number_that_is_certain_needs_no_carrier(face: Gate, written: str, number: str, code: str) -> None:
    response = await face.post("/v1/shipments", unnamed(written))
    shipment = await response.json()
    assert response.status == 201, shipment
    fits("POST", "/v1/shipments", shipment)
    assert (shipment["carrier"]["code"], shipment["tracking_number"]) == (code, number)
    assert [(one["carrier"], one["confidence"]) for one in shipment["detected"]] == [(code, "certain")]
    named = await face.post("/v1/shipments", unnamed(number, carrier=code))
    assert (named.status, (await named.json())["id"]) == (200, shipment["id"])


async def test_a_named_carrier_is_not_doubted(face: Gate) -> None:
    shipment = await (await face.post("/v1/shipments", unnamed("SF1234567890123", carrier="zto"))).json()
    assert shipment["carrier"]["code"] == "zto"
    assert shipment.get("detected") is None


async def test_a_number_of_several_carriers_is_a_question(face: Gate) -> None:
    document = await problem(await face.post("/v1/shipments", unnamed("268123456789")), 422, "carrier")
    assert [(one["carrier"], one["confidence"]) for one in document["candidates"]] == [
        ("sf", "possible"),
        ("zto", "possible"),
    ]
    assert document["candidates"][0]["name"] == "sf快递"
    assert (await (await face.get("/v1/shipments")).json())["items"] == []


async def test_a_wrong_check_digit_and_an_unknown_form_are_questions(face: Gate) -> None:
    wrong = await problem(await face.post("/v1/shipments", unnamed(f"{UPS[:-1]}5")), 422, "carrier")
    assert wrong["candidates"][0]["reasons"][-1] == "check_digit_wrong"
    nobody = await problem(await face.post("/v1/shipments", unnamed("ABCDEF")), 422, "carrier")
    assert nobody["candidates"] == []


async def test_each_of_a_batch_is_told_on_its_own(face: Gate) -> None:
    batch = {"shipments": [unnamed(UPS), unnamed("268123456789"), unnamed("SF1234567890123")]}
    found = await (await face.post("/v1/shipments/batch", batch)).json()
    fits("POST", "/v1/shipments/batch", found)
    assert [one["status"] for one in found["items"]] == [201, 422, 201]
    assert [one["carrier"] for one in found["items"][1]["candidates"]] == ["sf", "zto"]
    assert found["items"][0]["shipment"]["detected"][0]["carrier"] == "brown"
