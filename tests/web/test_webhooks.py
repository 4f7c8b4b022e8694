"""What carriers and providers of messages push."""

from __future__ import annotations

import json
from typing import Any

from gateway.contract import BadSignature, Push
from gateway.domain import MessageState
from gateway.store import messages
from gateway.tracking.inbox import read_inbox
from tests.tracking.parts import carrier, carriers
from tests.web.parts import SIGNED, TOKEN, Gate, Signing, fits, problem


async def kept(face: Gate, query: str = "") -> list[dict[str, Any]]:
    found = await (await face.get(f"/v1/inbox{query}")).json()
    fits("GET", "/v1/inbox", found)
    items: list[dict[str, Any]] = found["items"]
    return items


async def test_a_signed_push_is_kept_before_it_is_answered_and_read_afterwards(face: Gate) -> None:
    await face.shipment("A001")
    response = await face.client.post("/webhooks/sf", json=[["A001", 0, "delivered"]], headers=SIGNED)
    assert (response.status, await response.json()) == (200, {"said": "yes"})
    assert [one["state"] for one in await kept(face)] == ["waiting"]
    assert await read_inbox(face.rt, 10) == 1
    assert [(one["carrier"], one["state"]) for one in await kept(face)] == [("sf", "read")]
    assert (await (await face.get("/v1/tracking/A001")).json())["status"] == "delivered"


async def test_a_forged_push_leaves_nothing_but_a_count(face: Gate) -> None:
    response = await face.client.post("/webhooks/sf", json=[], headers={"X-Sign": "bad"})
    assert (response.status, await response.json()) == (401, {"said": "no"})
    assert await kept(face) == []
    assert 'gateway_pushes_forged_total{carrier="sf"} 1' in await (await face.get("/metrics")).text()


class Keyed(Signing):
    """Signs with a key that has to be fetched first."""

    known = False
    fetches = True

    def verify(self, request: Push) -> None:
        if not self.known:
            raise BadSignature("no key we know")
        super().verify(request)

    async def learn(self) -> bool:
        self.known = self.fetches
        return self.fetches


async def test_a_push_is_looked_at_again_when_the_key_it_was_signed_with_is_fetched(face: Gate) -> None:
    face.rt.carriers = carriers(carrier("keyed", Keyed))
    adapter = face.rt.fake("keyed")
    assert isinstance(adapter, Keyed)
    for fetches, headers, status in ((False, SIGNED, 401), (True, {"X-Sign": "bad"}, 401), (True, SIGNED, 200)):
        adapter.known, adapter.fetches = False, fetches
        assert (await face.client.post("/webhooks/keyed", json=[], headers=headers)).status == status
    assert len(await kept(face)) == 1


async def test_a_carrier_may_bring_credentials_of_its_own(face: Gate) -> None:
    for credentials in ("Bearer of-the-carrier", "Basic abc", "nonsense"):
        headers = {**SIGNED, "Authorization": credentials}
        assert (await face.client.post("/webhooks/sf", json=[], headers=headers)).status == 200


async def test_a_secret_path(face: Gate) -> None:
    assert (await face.client.post(f"/webhooks/ems/{TOKEN}", json=[])).status == 200
    for path in ("/webhooks/ems", "/webhooks/ems/another-long-token-here"):
        response = await face.client.post(path, json=[])
        assert (response.status, await response.json()) == (401, {"said": "no"})
    await problem(await face.client.post(f"/webhooks/sf/{TOKEN}", json=[], headers=SIGNED), 404)
    assert len(await kept(face)) == 1
    (row,) = await kept(face)
    assert TOKEN not in json.dumps(row)


async def test_who_is_not_known_or_too_loud(face: Gate) -> None:
    await problem(await face.client.post("/webhooks/nobody", json=[], headers=SIGNED), 404)
    large = b"[" + b" " * (1 << 20) + b"]"

    async def chunks() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    response = await face.client.post("/webhooks/sf", data=chunks(), headers=SIGNED)
    await problem(response, 413)
    assert await kept(face) == []


async def test_probes_handshakes_and_tokens(face: Gate) -> None:
    assert await (await face.client.get("/webhooks/sf?echo=hello")).text() == "hello"
    assert (await face.client.head("/webhooks/sf")).status == 200
    assert await (await face.client.get(f"/webhooks/ems/{TOKEN}?echo=hi")).text() == "hi"
    await problem(await face.client.get("/webhooks/ems/another-long-token-here"), 401)
    await problem(await face.client.post("/webhooks/sf/token"), 401)
    issued = await face.client.post("/webhooks/sf/token", headers={"Authorization": "Basic good"})
    assert await issued.json() == {"access_token": "bearer"}


async def test_a_push_that_cannot_be_read_waits_for_a_person_and_is_read_again(face: Gate) -> None:
    await face.shipment("A001")
    response = await face.client.post("/webhooks/sf", data=b"not json", headers=SIGNED)
    assert (response.status, await response.json()) == (200, {"said": "yes"})
    (row,) = await kept(face)
    await problem(await face.post(f"/v1/inbox/{row['id']}/replay"), 409)
    await read_inbox(face.rt, 10)
    (row,) = await kept(face, "?state=quarantined&carrier=sf")
    assert (row["reason"], row["bytes"]) == ("not JSON", 8)
    again = await (await face.post(f"/v1/inbox/{row['id']}/replay")).json()
    fits("POST", "/v1/inbox/{id}/replay", again)
    assert again["state"] == "quarantined"
    for nobody in ("7777", "x", "-1", "9" * 30, "%D9%A3"):
        await problem(await face.post(f"/v1/inbox/{nobody}/replay"), 404)
    assert await kept(face, "?state=quarantined&carrier=zto") == []


async def sent(face: Gate) -> None:
    now = face.rt.clock()
    values = {
        "id": "msg_1",
        "decision": "d-1",
        "channel": "sms",
        "notifier": "sms-cn",
        "template": "delivered",
        "locale": "zh-CN",
        "kind": "transactional",
        "state": "sent",
        "provider_id": "P-1",
        "created_at": now,
        "updated_at": now,
        "address": "+8613800138000",
        "address_key": "k",
        "params": {},
    }
    async with face.rt.store.write() as tx:
        await messages.add(tx, values)


async def test_a_delivery_receipt_is_carried_out(face: Gate) -> None:
    await sent(face)
    response = await face.client.post("/webhooks/notifiers/sms-cn", json=[["P-1", "delivered"]], headers=SIGNED)
    assert (response.status, await response.text()) == (200, "ok")
    found = await (await face.get("/v1/messages")).json()
    fits("GET", "/v1/messages", found)
    assert [one["state"] for one in found["items"]] == [MessageState.DELIVERED]
    assert "13800138000" not in json.dumps(found)


async def test_a_forged_receipt_is_refused_in_the_providers_words(face: Gate) -> None:
    response = await face.client.post("/webhooks/notifiers/sms-cn", json=[])
    assert (response.status, await response.text()) == (401, "fail")
    wrong = await face.client.post("/webhooks/notifiers/sms-cn/another-long-token", json=[], headers=SIGNED)
    assert (wrong.status, await wrong.text()) == (401, "fail")
    await problem(await face.client.post("/webhooks/notifiers/nobody", json=[]), 404)
    assert await kept(face) == []


async def test_a_receipt_that_cannot_be_read_is_kept_and_read_when_it_can_be(face: Gate) -> None:
    await sent(face)
    response = await face.client.post(
        f"/webhooks/notifiers/sms-cn/{TOKEN}", data=b'[["P-1", "vanished"]]', headers=SIGNED
    )
    assert (response.status, await response.text()) == (200, "ok")
    (row,) = await kept(face, "?state=quarantined")
    assert row["carrier"] == "notifiers/sms-cn"
    assert row["reason"]
    again = await (await face.post(f"/v1/inbox/{row['id']}/replay")).json()
    assert again["state"] == "quarantined"
    notifier: Any = face.rt.notifiers["sms-cn"].notifier
    notifier.receipts = lambda request: []  # the notifier was mended
    again = await (await face.post(f"/v1/inbox/{row['id']}/replay")).json()
    assert (again["state"], again["reason"]) == ("read", None)


async def test_the_providers_handshake(face: Gate) -> None:
    assert await (await face.client.get("/webhooks/notifiers/sms-cn?echostr=7")).text() == "7"
