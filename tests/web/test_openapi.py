"""The OpenAPI document: every path of design/api.md, every reference resolved, every role said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.web.app import table
from gateway.web.openapi import document
from tests.web.parts import Gate

DOCUMENT = document(table(), "1.2.3")
#: What design/api.md promises, as method and path.
PROMISED = (
    "POST /webhooks/{carrier}",
    "POST /webhooks/{carrier}/{token}",
    "GET /webhooks/{carrier}",
    "POST /webhooks/{carrier}/token",
    "POST /webhooks/notifiers/{name}",
    "GET /webhooks/notifiers/{name}",
    "POST /webhooks/notifiers/{name}/{token}",
    "GET /v1/tracking/{number}",
    "GET /v1/tracking",
    "GET /v1/orders/{order_id}/tracking",
    "GET /v1/tracking/{number}/live",
    "GET /t/{token}",
    "GET /widget.js",
    "POST /v1/shipments",
    "POST /v1/shipments/batch",
    "GET /v1/shipments",
    "GET /v1/shipments/{id}",
    "PATCH /v1/shipments/{id}",
    "DELETE /v1/shipments/{id}",
    "POST /v1/shipments/{id}/refresh",
    "POST /v1/carriers/choose",
    "POST /v1/exceptions",
    "POST /v1/subscriptions",
    "GET /v1/subscriptions",
    "DELETE /v1/subscriptions/{id}",
    "POST /v1/subscriptions/{id}/replay",
    "GET /v1/routes",
    "PUT /v1/routes",
    "GET /v1/policies/{name}",
    "PUT /v1/policies/{name}",
    "POST /v1/policies/{name}/backtest",
    "GET /v1/cases",
    "GET /v1/cases/{id}",
    "POST /v1/cases/{id}/assign",
    "POST /v1/cases/{id}/comment",
    "POST /v1/cases/{id}/approve",
    "POST /v1/cases/{id}/reject",
    "POST /v1/cases/{id}/retry",
    "POST /v1/cases/{id}/resolve",
    "POST /v1/cases/{id}/reopen",
    "GET /v1/carriers",
    "POST /v1/carriers/{code}/incident",
    "GET /v1/carriers/{code}/scorecard",
    "GET /v1/mappings/unmapped",
    "PUT /v1/mappings/{carrier}/{carrier_code}",
    "GET /v1/inbox",
    "POST /v1/inbox/{id}/replay",
    "GET /v1/coupons",
    "GET /v1/messages",
    "GET /v1/audit",
    "GET /v1/keys",
    "POST /v1/keys",
    "DELETE /v1/keys/{id}",
    "GET /console",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


@pytest.mark.parametrize("promise", PROMISED)
def test_every_promise_of_the_design_is_there(promise: str) -> None:
    assert promise in {f"{method} {path}" for method, path, _ in operations()}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for name, one in value.items() if name == "$ref" and isinstance(one, str))
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_document_is_an_openapi_3_1_document() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in DOCUMENT["components"]["schemas"])
    for _, path, operation in operations():
        assert path.startswith("/")
        placed = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert placed == set(re.findall(r"\{(\w+)\}", path))
        assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
        assert len({(one["name"], one["in"]) for one in operation["parameters"]}) == len(operation["parameters"])
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status)
            assert response["description"]
            assert all("/" in media and "schema" in one for media, one in response.get("content", {}).items())


def test_whatever_needs_a_key_says_which_and_what_it_answers() -> None:
    for one in table():
        operation = DOCUMENT["paths"][re.sub(r"\{(\w+):[^}]*\}", r"{\1}", one.path)][one.method.lower()]
        assert bool(operation.get("security")) == (one.role is not None)
        if one.role is not None:
            assert one.role.name.lower() in operation["description"]
        if one.role is not None and one.status not in {204, 501}:
            assert operation["responses"][str(one.status)]["content"], one.path


def test_what_a_client_must_know_is_said() -> None:
    tracking = DOCUMENT["components"]["schemas"]["Tracking"]
    assert {"tracking_number", "status", "legs", "sequence"} <= set(tracking["required"])
    create = DOCUMENT["paths"]["/v1/shipments"]["post"]
    assert {"200", "201", "default"} == set(create["responses"])
    assert "Idempotency-Key" in {one["name"] for one in create["parameters"]}
    routes = DOCUMENT["paths"]["/v1/routes"]["put"]
    assert "If-Match" in {one["name"] for one in routes["parameters"]}
    assert routes["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    cases = DOCUMENT["paths"]["/v1/cases"]["get"]
    assert {"text/csv", "application/json"} == cases["responses"]["200"]["content"].keys()


async def test_it_is_served_and_shown_without_another_host(face: Gate) -> None:
    served = await face.get("/openapi.json", role=None)
    assert (await served.json())["paths"].keys() >= DOCUMENT["paths"].keys()
    page = await (await face.get("/docs", role=None)).text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert (await (await face.get("/", role=None)).json())["openapi"] == "/openapi.json"
