"""Carriers, incidents, choices, mappings, policies, cases."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from gateway.remedies.deliver import deliver_due
from gateway.tracking.mappings import do_reread
from tests.web.parts import Gate, fits, problem

ROUTE = {
    "id": "r1",
    "when": {"carrier": "sf", "destination": "CN-*"},
    "mode": "auto",
    "backups": [{"carrier": "zto", "service": "standard"}],
}


async def carrier(face: Gate, code: str) -> dict[str, Any]:
    found = await (await face.get("/v1/carriers", role="ops")).json()
    fits("GET", "/v1/carriers", found)
    return next(one for one in found["items"] if one["code"] == code)


async def test_carriers_as_they_are(face: Gate) -> None:
    await face.shipment("A001")
    await face.pushed(["A001", 0, "unknown", "code-7"])
    await face.client.post("/webhooks/sf", json=[], headers={"X-Sign": "good"})
    found = await carrier(face, "sf")
    assert (found["name"], found["circuit"], found["incident"]) == ("sf快递", "closed", None)
    assert found["can"] == ["poll", "webhook", "book"]
    assert found["last_heard_at"] == face.rt.clock().isoformat()
    assert found["unknown_codes"] == 1
    assert found["queue"]["pushes"] == 1
    assert found["backlog"] == found["queue"]["pushes"] + found["queue"]["polls"]
    assert found["quota"] == {"used": 0, "limit": 5, "seconds": 1}
    table = await face.get("/v1/carriers", headers={"Accept": "text/csv"})
    assert len((await table.text()).splitlines()) == 5


async def test_the_quota_is_counted(face: Gate) -> None:
    shipment = await face.shipment("P1234", "poller")
    assert (await face.post(f"/v1/shipments/{shipment['id']}/refresh")).status == 200
    assert (await carrier(face, "poller"))["quota"]["used"] == 1


async def test_an_incident_is_declared_and_ended(face: Gate) -> None:
    address = "/v1/carriers/sf/incident"
    await problem(await face.post(address, {"action": "end"}), 409)
    for _ in range(2):
        response = await face.post(address, {"action": "declare", "cause": "strike"}, role="ops")
        found = await response.json()
        fits("POST", "/v1/carriers/{code}/incident", found)
        assert (found["circuit"], found["incident"]["cause"]) == ("open", "strike")
        assert (found["incident"]["kind"], found["incident"]["who"]) == ("declared", "a ops")
    assert (await (await face.post(address, {"action": "end"})).json())["incident"] is None
    await problem(await face.post("/v1/carriers/nobody/incident", {"action": "end"}), 404)
    await problem(await face.post(address, {"action": "celebrate"}), 422, "action")
    await problem(await face.post(address, {"action": "declare", "cause": ""}), 422, "cause")
    audited = await (await face.get("/v1/audit")).json()
    fits("GET", "/v1/audit", audited)
    assert {"incident.declare", "incident.end"} <= {line["what"] for line in audited["items"]}


async def put(face: Gate, path: str, document: Any, version: int | str | None) -> Any:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return await face.ask("PUT", path, document, headers=headers, role="ops")


async def test_who_would_take_a_parcel(face: Gate) -> None:
    await put(face, "/v1/routes", {"routes": [ROUTE]}, 1)
    parcel = {"origin": {"country": "CN"}, "destination": {"country": "CN", "region": "Guangdong"}, "carrier": "sf"}
    found = await (await face.post("/v1/carriers/choose", parcel, role="merchant")).json()
    fits("POST", "/v1/carriers/choose", found)
    assert [(one["carrier"], one["reasons"][0]) for one in found["carriers"]] == [
        ("sf", "asked_for"),
        ("zto", "backup:r1"),
        ("ems", "same_country"),
    ]
    assert found["route"] == {"id": "r1", "mode": "auto", "backups": ["zto"]}
    assert [(one["carrier"], one["why"]) for one in found["skipped"]] == [("poller", "cannot_book")]
    await face.post("/v1/carriers/sf/incident", {"action": "declare", "cause": "flood"})
    found = await (await face.post("/v1/carriers/choose", parcel)).json()
    assert found["carriers"][0]["carrier"] == "zto"
    (out,) = [one for one in found["skipped"] if one["carrier"] == "sf"]
    assert (out["why"], out["circuit"], out["incident"]) == ("incident", "open", True)
    await problem(await face.post("/v1/carriers/choose", {**parcel, "carrier": "nobody"}), 422, "carrier")
    await problem(await face.post("/v1/carriers/choose", {"origin": {"country": "CN"}}), 422, "destination")


async def test_routes_are_written_by_those_who_read_them(face: Gate) -> None:
    read = await face.get("/v1/routes", role="ops")
    fits("GET", "/v1/routes", await read.json())
    assert (read.headers["ETag"], (await read.json())["version"]) == ('"1"', 1)
    written = await put(face, "/v1/routes", {"routes": [ROUTE]}, 1)
    fits("PUT", "/v1/routes", await written.json())
    assert (written.status, written.headers["ETag"]) == (200, '"2"')
    assert await (await face.get("/v1/routes")).json() == {"version": 2, "routes": [ROUTE]}
    document = await problem(await put(face, "/v1/routes", {"routes": []}, 1), 412)
    assert document["version"] == 2
    await problem(await put(face, "/v1/routes", {"routes": []}, None), 428, "If-Match")
    for nonsense in ("x", "-1", "9" * 5000, "٣", ""):
        await problem(await put(face, "/v1/routes", {"routes": []}, nonsense), 412, "If-Match")
    assert (await put(face, "/v1/routes", {"version": 2, "routes": []}, 2)).status == 200
    history = await (await face.get("/v1/policies/routes/versions")).json()
    fits("GET", "/v1/policies/{name}/versions", history)
    assert [one["version"] for one in history["items"]] == [3, 2, 1]


async def test_routes_that_cannot_work_are_named(face: Gate) -> None:
    async def refused(fields: str, **route: Any) -> None:
        response = await put(face, "/v1/routes", {"routes": [{**ROUTE, **route}]}, 1)
        await problem(response, 422, *fields.split())

    zto = {"carrier": "zto"}
    await refused("routes.0.backups.1.carrier", backups=[zto, {"carrier": "nobody"}])
    await refused("routes.0.backups.0.carrier", backups=[{"carrier": "poller"}])
    await refused("routes.0.when.carrier", when={"carrier": "nobody"})
    await refused("routes.0.backups", backups=[])
    await refused("routes.0.mode", mode="perhaps")
    await refused("routes.0.backups.0.weight", backups=[{**zto, "weight": 0}])
    assert (await (await face.get("/v1/routes")).json())["version"] == 1


async def test_policies_are_checked_against_each_other(face: Gate) -> None:
    for name in ("stalls", "playbooks", "compensation", "messages"):
        read = await (await face.get(f"/v1/policies/{name}")).json()
        fits("GET", "/v1/policies/{name}", read)
        written = await put(face, f"/v1/policies/{name}", read, 1)
        assert (written.status, (await written.json())["version"]) == (200, 2), await written.text()
    await problem(await face.get("/v1/policies/nothing"), 404)
    coupon = {"playbooks": {"default": {}, "stalled": {"remedies": [{"do": "coupon", "tier": "huge"}]}}}
    response = await put(face, "/v1/policies/playbooks", coupon, 2)
    document = await response.json()
    assert response.status == 422
    assert {one["field"] for one in document["errors"]} <= {
        "playbooks.stalled",
        "playbooks.stalled.remedies.0.tier",
    }
    message = {"playbooks": {"default": {"remedies": [{"do": "message", "template": "no_such_words"}]}}}
    response = await put(face, "/v1/policies/playbooks", message, 2)
    await problem(response, 422, "playbooks.default.remedies.0.template")
    news = {"news": {"delivered": {"template": "no_such_words"}}}
    await problem(await put(face, "/v1/policies/messages", news, 2), 422, "news.delivered.template")
    await problem(await put(face, "/v1/policies/stalls", {"thresholds": {}, "colour": 1}, 2), 422, "colour")


async def test_a_code_gets_a_meaning_and_history_is_read_again(face: Gate) -> None:
    odd = "签收/代收 50%?#{x}"
    await face.shipment("A001")
    await face.pushed(["A001", -1, "picked_up"], ["A001", 0, "unknown", odd])
    await face.pushed(["A001", 1, "unknown", "rare"])
    found = await (await face.get("/v1/mappings/unmapped?limit=1")).json()
    fits("GET", "/v1/mappings/unmapped", found)
    rest = await (await face.get(f"/v1/mappings/unmapped?limit=1&cursor={found['next_cursor']}")).json()
    assert {one["carrier_code"] for one in [*found["items"], *rest["items"]]} == {odd, "rare"}
    assert rest["next_cursor"] is None
    address = f"/v1/mappings/sf/{quote(odd, safe='')}"
    response = await face.ask("PUT", address, {"status": "attempt_failed", "reason": "recipient_absent"}, role="ops")
    mapping = await response.json()
    fits("PUT", "/v1/mappings/{carrier}/{carrier_code:.*}", mapping)
    assert (response.status, mapping["carrier_code"]) == (200, odd)
    left = await (await face.get("/v1/mappings/unmapped")).json()
    assert [one["carrier_code"] for one in left["items"]] == ["rare"]
    await face.ask("PUT", "/v1/mappings/sf/rare", {"status": "info"})
    for code in (odd, "rare"):
        await do_reread(face.rt, type("Deed", (), {"payload": {"carrier": "sf", "carrier_code": code}})())
    tracking = await (await face.get("/v1/tracking/A001")).json()
    assert (tracking["status"], tracking["reason"]) == ("attempt_failed", "recipient_absent")
    await problem(await face.ask("PUT", "/v1/mappings/nobody/7", {"status": "info"}), 404)
    await problem(await face.ask("PUT", "/v1/mappings/sf/7", {"status": "gone"}), 422, "status")
    await problem(await face.ask("PUT", "/v1/mappings/sf/", {"status": "info"}), 422, "carrier_code")


async def test_a_case_from_its_report_to_its_end(face: Gate) -> None:
    report = {
        "order_id": "SO-1",
        "kind": "complaint",
        "detail": "box was open",
        "customer": {"phone": "+8613800138000"},
        "items": [{"sku": "1"}],
        "at": "2026-03-05T10:00:00+08:00",
    }
    first = await face.post("/v1/exceptions", report, role="merchant")
    case = await first.json()
    fits("POST", "/v1/exceptions", case)
    assert (first.status, (await face.post("/v1/exceptions", report)).status) == (201, 200)
    address = f"/v1/cases/{case['id']}"
    for action, body in (
        ("assign", {"owner": "wang", "due_at": "2026-03-04T10:00:00Z"}),
        ("comment", {"note": "looked at"}),
        ("resolve", {"note": "sorry said"}),
        ("reopen", {}),
    ):
        response = await face.post(f"{address}/{action}", body, role="ops")
        assert response.status == 200, await response.text()
        fits("POST", f"/v1/cases/{{id}}/{action}", await response.json())
    shown = await (await face.get(address, role="merchant")).json()
    assert (shown["owner"], shown["overdue"]) == ("wang", True)
    assert len(shown["timeline"]) >= 5
    listed = await (await face.get("/v1/cases?owner=wang&overdue=true&kind=complaint")).json()
    fits("GET", "/v1/cases", listed)
    assert [one["id"] for one in listed["items"]] == [case["id"]]
    await problem(await face.get("/v1/cases/nobody"), 404)
    await problem(await face.post("/v1/cases/nobody/resolve", {}), 404)
    await problem(await face.post(f"{address}/comment", {}), 422, "note")
    await problem(await face.post(f"{address}/celebrate", {}), 404)
    await problem(await face.get("/v1/cases?state=asleep"), 422, "state")
    await problem(await face.post("/v1/exceptions", {**report, "kind": "boredom"}), 422, "kind")
    wrong = {**report, "customer": {"phone": "12"}}
    await problem(await face.post("/v1/exceptions", wrong), 422, "customer.phone")
    assert "13800138000" not in json.dumps(listed)
    await deliver_due(face.rt, 10)
    fits("GET", "/v1/coupons", await (await face.get("/v1/coupons", role="merchant")).json())
