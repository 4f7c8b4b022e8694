"""An admin erases a person's data: the journey stays, the person goes from everywhere it was written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from gateway.messages.follow import follow
from gateway.remedies.deliver import deliver_due
from tests.web.parts import Gate, problem

PHONE, NAME = "+8613800138000", "样本人"
PERSON = {"name": NAME, "phone": PHONE, "email": "someone@example.com"}


async def everything(face: Gate) -> str:
    """All that the store holds, without what is a keyed hash."""
    tables = ("shipments", "legs", "outbox", "cases", "case_events", "messages", "audit", "ledger", "inbox")
    async with face.rt.store.read() as tx:
        rows = [row for name in tables for row in (await tx.conn.execute(text(f"SELECT * FROM {name}"))).all()]
    return repr(rows)


async def test_it_goes_from_everywhere(face: Gate) -> None:
    face.rt.follow = (*face.rt.follow, follow)
    shipment = await face.shipment(recipient=PERSON, metadata={"note": NAME})
    body: dict[str, Any] = {"order_id": "SO-1", "kind": "complaint", "customer": PERSON}
    assert (await face.post("/v1/exceptions", body)).status == 201
    await face.pushed(["SF1234567890", 0, "out_for_delivery"])
    await deliver_due(face.rt)
    assert PHONE in await everything(face)
    path = f"/v1/shipments/{shipment['id']}/recipient"
    assert (await face.ask("DELETE", path)).status == 204
    assert (await face.ask("DELETE", path)).status == 204
    left = await everything(face)
    assert [part for part in (PHONE, NAME, "someone@example.com") if part in left] == []
    after = await (await face.get(f"/v1/shipments/{shipment['id']}")).json()
    assert after["tracking_number"] == "SF1234567890"
    assert "recipient" not in after


async def test_only_an_admin_may(face: Gate) -> None:
    shipment = await face.shipment(recipient=PERSON)
    path = f"/v1/shipments/{shipment['id']}/recipient"
    for role in ("storefront", "merchant", "ops"):
        await problem(await face.ask("DELETE", path, role=role), 403)
    await problem(await face.ask("DELETE", "/v1/shipments/nope/recipient"), 404)
