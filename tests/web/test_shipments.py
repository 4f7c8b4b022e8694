"""The order system's door."""

from __future__ import annotations

from typing import Any

from gateway.contract import Refused, Unavailable
from tests.tracking.parts import scan
from tests.web.parts import Gate, fits, problem

WHOLE = {
    "order_id": "SO-1",
    "carrier": "sf",
    "tracking_number": "sf 1234567890",
    "service": "standard",
    "origin": {"country": "CN", "region": "Guangdong"},
    "destination": {"country": "US", "region": "CA", "city": "Oakland", "postcode": "94601", "address": "1 Main St"},
    "promised_at": "2026-03-09T18:00:00+08:00",
    "recipient": {
        "name": "王小明",
        "phone": "+8613800138000",
        "email": "someone@example.com",
        "locale": "zh-CN",
        "timezone": "America/Los_Angeles",
        "consent": {"marketing": True},
    },
    "sender": {"name": "店"},
    "value": {"amount": "199.00", "currency": "CNY"},
    "parcel": {"weight_g": 1200, "items": [{"name": "杯子", "quantity": 2}]},
    "booking": {"reference": "B-1"},
    "metadata": {"shop": "7"},
}


def changed(**more: Any) -> dict[str, Any]:
    return {**WHOLE, **more}


async def test_a_shipment_is_registered_once(face: Gate) -> None:
    first = await face.post("/v1/shipments", WHOLE, role="merchant")
    shipment = await first.json()
    assert first.status == 201
    fits("POST", "/v1/shipments", shipment)
    assert shipment["tracking_number"] == "SF1234567890"
    assert shipment["promised_at"] == "2026-03-09T18:00:00+08:00"
    assert shipment["legs"][0]["reference"] == "B-1"
    assert shipment["recipient"]["phone"] == "+8613800138000"
    assert shipment["value"] == {"amount": "199.00", "currency": "CNY"}
    again = await face.post("/v1/shipments", changed(order_id="SO-2"), role="merchant")
    assert (again.status, (await again.json())["id"]) == (200, shipment["id"])
    shown = await (await face.get(f"/v1/shipments/{shipment['id']}")).json()
    assert shown["order_id"] == "SO-1"
    fits("GET", "/v1/shipments/{id}", shown)


async def test_what_cannot_be_right_is_named(face: Gate) -> None:
    person = WHOLE["recipient"]
    assert isinstance(person, dict)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"carrier": "nobody"}, "carrier"),
        ({"promised_at": "2026-03-09T18:00:00"}, "promised_at"),
        ({"promised_at": "soon"}, "promised_at"),
        ({"promised_at": 1773050400}, "promised_at"),
        ({"promised_at": "1773050400"}, "promised_at"),
        ({"promised_at": "0001-01-01T00:00:00+14:00"}, "promised_at"),
        ({"order_id": "SO\n1"}, "order_id"),
        ({"recipient": {**person, "phone": "+8612345"}}, "recipient.phone"),
        ({"recipient": {**person, "phone": "13800138000"}}, "recipient.phone"),
        ({"recipient": {**person, "email": "nobody"}}, "recipient.email"),
        ({"recipient": {**person, "timezone": "Mars/Olympus"}}, "recipient.timezone"),
        ({"recipient": {**person, "locale": "chinesisch bitte"}}, "recipient.locale"),
        ({"recipient": {**person, "fax": "1"}}, "recipient.fax"),
        ({"destination": {"country": "XX"}}, "destination.country"),
        ({"destination": {"country": "cn"}}, "destination.country"),
        ({"destination": {}}, "destination.country"),
        ({"tracking_number": "a"}, "tracking_number"),
        ({"tracking_number": "物流单号"}, "tracking_number"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": "x" * 65}, "order_id"),
        ({"value": {"amount": "-1", "currency": "CNY"}}, "value.amount"),
        ({"value": {"amount": "1", "currency": "RMB"}}, "value.currency"),
        ({"parcel": {"weight_g": 0}}, "parcel.weight_g"),
        ({"metadata": {"a": "x" * 9000}}, "metadata"),
        ({"colour": "red"}, "colour"),
    ]
    for part, field in wrong:
        await problem(await face.post("/v1/shipments", changed(**part)), 422, field)
    assert (await (await face.get("/v1/shipments")).json())["items"] == []


async def test_each_of_a_batch_is_answered_on_its_own(face: Gate) -> None:
    batch = [
        WHOLE,
        "nonsense",
        changed(carrier="nobody"),
        WHOLE,
        changed(tracking_number="SF2", origin={"country": "Q"}),
    ]
    response = await face.post("/v1/shipments/batch", {"shipments": batch})
    found = await response.json()
    fits("POST", "/v1/shipments/batch", found)
    assert [one["status"] for one in found["items"]] == [201, 422, 422, 200, 422]
    assert [one["errors"][0]["field"] for one in found["items"] if "errors" in one] == [
        "",
        "carrier",
        "tracking_number",
    ]
    await problem(await face.post("/v1/shipments/batch", {"shipments": []}), 422, "shipments")
    await problem(await face.post("/v1/shipments/batch", {"shipments": [1] * 1001}), 422, "shipments")


async def test_lists_are_narrowed(face: Gate) -> None:
    await face.shipment("A001", order_id="SO-1")
    await face.shipment("B002", "zto", order_id="SO-2")
    await face.pushed(["A001", 0, "delivered"])

    async def numbers(query: str) -> list[str]:
        response = await face.get(f"/v1/shipments?{query}")
        assert response.status == 200, await response.text()
        return [one["tracking_number"] for one in (await response.json())["items"]]

    assert await numbers("status=delivered") == ["A001"]
    assert await numbers("carrier=zto") == ["B002"]
    assert await numbers("order_id=SO-2") == ["B002"]
    assert await numbers("stalled=true") == []
    assert await numbers("late=false&stalled=false") == ["B002", "A001"]
    assert await numbers("q=SO-1") == ["A001"]
    assert await numbers("q=b00") == ["B002"]
    assert await numbers("q=%25%25%25") == []
    await problem(await face.get("/v1/shipments?status=gone"), 422, "status")
    await problem(await face.get("/v1/shipments?late=perhaps"), 422, "late")


async def test_a_patch_changes_what_it_names_and_null_takes_away(face: Gate) -> None:
    shipment = await (await face.post("/v1/shipments", WHOLE)).json()
    address = f"/v1/shipments/{shipment['id']}"

    async def patched(body: dict[str, Any]) -> dict[str, Any]:
        response = await face.ask("PATCH", address, body)
        assert response.status == 200, await response.text()
        found: dict[str, Any] = await response.json()
        fits("PATCH", "/v1/shipments/{id}", found)
        return found

    after = await patched({"promised_at": "2026-03-10T10:00:00Z", "recipient": {"phone": "+12025550123"}})
    assert after["promised_at"] == "2026-03-10T10:00:00+00:00"
    assert after["recipient"]["phone"] == "+12025550123"
    assert after["recipient"]["name"] == "王小明"
    assert after["recipient"]["consent"] == {"marketing": True}
    assert after["metadata"] == {"shop": "7"}
    assert after["sequence"] > shipment["sequence"]
    after = await patched({"recipient": {"email": None}, "metadata": {"till": "2", "shop": None}})
    assert "email" not in after["recipient"]
    assert after["metadata"] == {"till": "2"}
    after = await patched({"promised_at": None, "metadata": None, "recipient": None})
    assert (after["promised_at"], after["metadata"]) == (None, {})
    assert not after["recipient"].get("phone")
    assert (await face.get(f"/v1/tracking/{shipment['tracking_number']}")).status == 200
    await problem(await face.ask("PATCH", address, {"recipient": {"phone": "1"}}), 422, "recipient.phone")
    await problem(await face.ask("PATCH", address, {"order_id": "SO-7"}), 422, "order_id")
    await problem(await face.ask("PATCH", "/v1/shipments/nobody", {}), 404)


async def test_stopping_is_repeatable(face: Gate) -> None:
    shipment = await face.shipment()
    for _ in range(2):
        assert (await face.ask("DELETE", f"/v1/shipments/{shipment['id']}")).status == 204
    shown = await (await face.get(f"/v1/shipments/{shipment['id']}")).json()
    assert shown["watching"] is False
    await problem(await face.ask("DELETE", "/v1/shipments/nobody"), 404)
    await problem(await face.get("/v1/shipments/nobody"), 404)


async def test_the_carrier_is_asked_now(face: Gate) -> None:
    shipment = await face.shipment("P1234", "poller")
    fake = face.rt.fake("poller")
    fake.answer = lambda legs: [scan("P1234", hours=-1)]
    response = await face.post(f"/v1/shipments/{shipment['id']}/refresh")
    found = await response.json()
    fits("POST", "/v1/shipments/{id}/refresh", found)
    assert (response.status, found["status"]) == (200, "in_transit")
    await problem(await face.post("/v1/shipments/nobody/refresh"), 404)


async def test_a_carrier_that_was_just_asked_is_left_alone(face: Gate) -> None:
    shipment = await face.shipment("P1234", "poller")
    fake = face.rt.fake("poller")
    type(fake).min_interval, before = 600, type(fake).min_interval
    try:
        assert (await face.post(f"/v1/shipments/{shipment['id']}/refresh")).status == 200
        face.rt.time.forward(seconds=90)
        response = await face.post(f"/v1/shipments/{shipment['id']}/refresh")
    finally:
        type(fake).min_interval = before
    document = await problem(response, 429)
    assert document["age_seconds"] == 90
    assert 0 < int(response.headers["Retry-After"]) <= 600
    assert len(fake.asked) == 1


async def test_a_carrier_that_does_not_answer_is_named_as_the_cause(face: Gate) -> None:
    shipment = await face.shipment("P1234", "poller")
    fake = face.rt.fake("poller")
    fake.answer = lambda legs: Unavailable("HTTP 503")
    response = await face.post(f"/v1/shipments/{shipment['id']}/refresh")
    await problem(response, 503)
    assert int(response.headers["Retry-After"]) > 0
    fake.answer = lambda legs: Refused("no such number")
    await problem(await face.post(f"/v1/shipments/{shipment['id']}/refresh"), 502)
