"""What every door has in common: keys, bodies, queries, problems, lists, repeats."""

from __future__ import annotations

import asyncio
import io
import json
from hashlib import sha256
from itertools import product
from typing import Any

from gateway.store import idempotency
from gateway.web.app import table
from tests.web.parts import Gate, fits, problem

SHIPMENT = {"order_id": "SO-1", "carrier": "sf", "tracking_number": "SF1234567890"}
ROLES = ("storefront", "merchant", "ops", "admin")
GUARDED = [one for one in table() if one.role is not None and one.tag != "later"]


def filled(path: str) -> str:
    """A path of the table with something in each place."""
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


async def test_a_door_opens_only_to_its_role_and_those_above(face: Gate) -> None:
    for one in GUARDED:
        path = filled(one.path)
        await problem(await face.ask(one.method, path, role=None), 401)
        assert one.role is not None
        for role in ROLES[: one.role - 1]:
            await problem(await face.ask(one.method, path, role=role), 403)
        response = await face.ask(one.method, path, role=ROLES[one.role - 1], headers={"If-Match": '"0"'})
        assert response.status not in {401, 403, 500}, (one.method, path, await response.text())
        response.close()


async def test_a_key_that_is_none_of_ours_is_refused(face: Gate) -> None:
    for header in ("Bearer", "Bearer ", "Bearer wrong", "Basic abc", "bearer \udcff", "x" * 500):
        response = await face.ask("GET", "/v1/shipments", role=None, headers={"Authorization": header})
        await problem(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_key_opens_nothing_more(face: Gate) -> None:
    made = await (await face.post("/v1/keys", {"role": "merchant", "label": "shop"})).json()
    fits("POST", "/v1/keys", made)
    headers = {"Authorization": f"bearer {made['key']}"}
    assert (await face.get("/v1/shipments", role=None, headers=headers)).status == 200
    assert (await face.ask("DELETE", f"/v1/keys/{made['id']}")).status == 204
    await problem(await face.get("/v1/shipments", role=None, headers=headers), 401)
    await problem(await face.ask("DELETE", f"/v1/keys/{made['id']}"), 404)
    listed = await (await face.get("/v1/keys")).json()
    fits("GET", "/v1/keys", listed)
    assert made["key"] not in json.dumps(listed)


async def test_the_last_key_of_an_admin_stays(face: Gate) -> None:
    keys = (await (await face.get("/v1/keys")).json())["items"]
    (mine,) = [key["id"] for key in keys if key["role"] == "admin"]
    await problem(await face.ask("DELETE", f"/v1/keys/{mine}"), 409)
    assert (await face.get("/v1/keys")).status == 200


async def test_there_is_nothing_at_a_wrong_address_or_by_a_wrong_method(face: Gate) -> None:
    await problem(await face.get("/v1/nothing"), 404)
    await problem(await face.get("/%E0%A4%A"), 404)
    response = await face.ask("PUT", "/v1/shipments")
    await problem(response, 405)
    assert response.headers["Allow"] == "GET,HEAD,POST"


async def test_head_is_get_without_the_body(face: Gate) -> None:
    await face.shipment()
    for path in ("/healthz", "/v1/shipments", "/v1/tracking/SF1234567890", "/openapi.json", "/docs"):
        response = await face.ask("HEAD", path)
        assert (response.status, await response.read()) == (200, b"")
        assert int(response.headers["Content-Length"]) > 0


_BODIES = [
    (b"{", 400, ""),
    (b"\xff\xfe", 400, ""),
    (b'{"order_id": NaN}', 400, ""),
    (b"[" * 100_000, 422, ""),
    (b'{"metadata": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}", 422, ""),
    (b"[]", 422, ""),
    (b'"text"', 422, ""),
    (b'{"order_id": "SO\\u0000"}', 422, "order_id"),
    (b'{"metadata": {"a": ["\\ud800"]}}', 422, "metadata.a.0"),
    (b'{"metadata": {"\\u0000": 1}}', 422, "metadata.?"),
]


async def test_a_body_that_is_none(face: Gate) -> None:
    for body, status, field in _BODIES:
        document = await problem(await face.ask("POST", "/v1/shipments", data=body), status, field)
        assert "Traceback" not in json.dumps(document)


async def test_a_body_that_is_too_large(face: Gate) -> None:
    await problem(await face.ask("POST", "/v1/shipments", data=io.BytesIO(b" " * ((4 << 20) + 1))), 413)


async def test_an_empty_body_names_what_is_missing(face: Gate) -> None:
    await problem(await face.ask("POST", "/v1/shipments"), 422, "order_id", "tracking_number")


_LISTS = ("shipments", "cases", "inbox", "coupons", "messages", "audit")
_QUERIES = [
    ("limit=201", "limit"),
    ("limit=0", "limit"),
    ("limit=many", "limit"),
    ("cursor=nonsense", "cursor"),
    ("cursor=W1tb", "cursor"),
    ("cursor=" + "W" * 7000, "cursor"),
    ("cursor=WzFlMzA5LCJhIl0", "cursor"),
    ("cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OSwiYSJd", "cursor"),
    ("stauts=open", "stauts"),
    ("carrier=%00", "carrier"),
]


async def test_a_query_that_cannot_be_is_named(face: Gate) -> None:
    for name, (query, field) in product(_LISTS, _QUERIES):
        await problem(await face.get(f"/v1/{name}?{query}"), 422, field)


async def test_what_takes_no_query_says_so(face: Gate) -> None:
    shipment = await face.shipment()
    await problem(await face.get(f"/v1/shipments/{shipment['id']}?fields=id"), 422, "fields")
    await problem(await face.get("/v1/routes?verison=1"), 422, "verison")


async def test_the_same_key_gives_the_first_answer(face: Gate) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await face.post("/v1/shipments", SHIPMENT, headers=key)
    again = await face.post("/v1/shipments", SHIPMENT, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = {**SHIPMENT, "order_id": "SO-2"}
    await problem(await face.post("/v1/shipments", other, headers=key), 422, "Idempotency-Key")
    assert (await face.post("/v1/shipments", SHIPMENT, role="merchant", headers=key)).status == 200
    await problem(
        await face.post("/v1/shipments", SHIPMENT, headers={"Idempotency-Key": "k" * 256}), 422, "Idempotency-Key"
    )
    assert (await face.post("/v1/shipments", SHIPMENT, headers={"Idempotency-Key": "键" * 80})).status == 200


async def test_a_call_that_was_refused_may_be_mended_under_the_same_key(face: Gate) -> None:
    key = {"Idempotency-Key": "k-1"}
    await problem(await face.post("/v1/shipments", {**SHIPMENT, "carrier": "nobody"}, headers=key), 422, "carrier")
    assert (await face.post("/v1/shipments", SHIPMENT, headers=key)).status == 201


async def test_of_two_calls_at_once_with_one_key_only_one_is_carried_out(face: Gate) -> None:
    comment = {"note": "looked at"}
    case = (await (await face.post("/v1/exceptions", {"order_id": "SO-9", "kind": "complaint"})).json())["id"]
    calls = [face.post(f"/v1/cases/{case}/comment", comment, headers={"Idempotency-Key": "k-2"}) for _ in range(8)]
    statuses = {response.status for response in await asyncio.gather(*calls)}
    assert statuses <= {200, 409}
    timeline = (await (await face.get(f"/v1/cases/{case}")).json())["timeline"]
    assert [line["what"] for line in timeline].count("comment") == 1


async def test_a_first_call_whose_process_died_is_made_good(face: Gate) -> None:
    body, key = json.dumps(SHIPMENT).encode(), {"Idempotency-Key": "k-3"}
    me = next(one for one in (await (await face.get("/v1/keys")).json())["items"] if one["role"] == "admin")
    name = sha256(f"{me['id']}|POST /v1/shipments|k-3".encode()).hexdigest()
    now = face.rt.clock()
    async with face.rt.store.write() as tx:  # what a process leaves behind that dies before it has answered
        await idempotency.begin(tx, name, sha256(body).hexdigest(), now, abandoned=now)
    await problem(await face.ask("POST", "/v1/shipments", data=body, headers=key), 409)
    face.rt.time.forward(minutes=3)
    assert (await face.ask("POST", "/v1/shipments", data=body, headers=key)).status == 201


async def test_lists_have_pages_and_a_form_for_spreadsheets(face: Gate) -> None:
    for number in range(5):
        await face.shipment(f"A00{number}", order_id=f"=SO-{number}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found: dict[str, Any] = await (
            await face.get(f"/v1/shipments?limit=2{f'&cursor={cursor}' if cursor else ''}")
        ).json()
        fits("GET", "/v1/shipments", found)
        seen += [one["tracking_number"] for one in found["items"]]
        cursor = found["next_cursor"]
    assert seen == ["A004", "A003", "A002", "A001", "A000"]
    response = await face.get("/v1/shipments?limit=2", headers={"Accept": "text/csv"})
    lines = (await response.text(encoding="utf-8-sig")).splitlines()
    assert response.content_type == "text/csv"
    assert lines[0].startswith("id,order_id,carrier,tracking_number")
    assert len(lines) == 3
    assert ",'=SO-4," in lines[1]
    assert ",," in lines[1], "what is empty stays empty"
    more = await face.get(f"/v1/shipments?limit=2&cursor={response.headers['X-Next-Cursor']}")
    assert [one["tracking_number"] for one in (await more.json())["items"]] == ["A002", "A001"]


async def test_the_process_says_how_it_is(face: Gate) -> None:
    await face.shipment()
    await face.pushed(["SF1234567890", 0, "unknown", "code-7"])
    ready = await face.get("/readyz", role=None)
    fits("GET", "/readyz", await ready.json())
    assert (ready.status, (await ready.json())["checks"]["store"]) == (200, "ok")
    assert (await face.get("/healthz", role=None)).status == 200
    text = await (await face.get("/metrics", role=None)).text()
    assert text.endswith("# EOF\n")
    for line in (
        'gateway_unknown_codes{carrier="sf"} 1',
        'gateway_live_legs{carrier="sf"} 1',
        'gateway_pushes_total{carrier="sf"} 1',
        'gateway_scans_total{carrier="sf",source="webhook"} 1',
        'gateway_oldest_due_seconds{queue="inbox"} 0',
    ):
        assert line in text, line
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))


async def test_what_is_built_later_says_so(face: Gate) -> None:
    await problem(await face.get("/v1/subscriptions"), 501)
    await problem(await face.post("/v1/policies/stalls/backtest", {}), 501)
    await problem(await face.get("/console", role=None), 501)


async def test_our_own_failure_is_told_without_its_trace(face: Gate) -> None:
    await face.rt.store.close()
    face.rt.carriers = None  # type: ignore[assignment]
    document = await problem(await face.get("/v1/carriers"), 500)
    assert "None" not in json.dumps(document)
