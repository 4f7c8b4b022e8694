"""A gateway at its work, all of it, against stand-ins on sockets: what tests of the store listen to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx

from gateway.app import Gateway
from gateway.config import load
from gateway.contract import Push
from gateway.domain import Reason, Status
from gateway.remedies.withdraw import expire
from gateway.sandbox.environment import variables
from gateway.sandbox.people import customer, registration
from gateway.sandbox.server import Sandbox, serve
from gateway.sandbox.world import World
from gateway.settings import Environment
from gateway.stalls.incidents import check_carriers
from gateway.stalls.lanes import learn_lanes
from tests.e2e.process import KEY, ROOT, eventually
from tests.servers import free_port

_CONFIG = ROOT / "gateway" / "sandbox" / "config"
_TRACKED = ("status=in_transit", "carrier=sf", "order_id=SO-E-0001", "stalled=true", "late=true", "q=SO-E")
_LISTS: Mapping[str, tuple[str, ...]] = {
    "/v1/shipments": (*_TRACKED, "status=in_transit&carrier=sf", "stalled=false", "q=SF000"),
    "/v1/cases": (
        "state=open",
        "kind=stall_in_transit",
        "owner=care",
        "overdue=true",
        "overdue=false",
        "order_id=SO-1",
    ),
    "/v1/messages": ("state=failed", "channel=sms", "case_id=cs_1", "shipment_id=shp_1"),
    "/v1/coupons": ("state=issued", "order_id=SO-1"),
    "/v1/inbox": ("state=quarantined", "carrier=sf", "state=read&carrier=sf"),
    "/v1/audit": (),
    "/v1/mappings/unmapped": (),
}


@dataclass
class Town:
    """The gateway in this very process, and the providers' side of the truth."""

    gateway: Gateway
    sandbox: Sandbox
    http: httpx.AsyncClient
    serial: int = 0

    async def call(self, method: str, path: str, body: Any = None, *, match: object = None) -> Any:
        headers = (
            {"Idempotency-Key": token_hex(8)}
            if method == "POST"
            else ({} if match is None else {"If-Match": f'"{match}"'})
        )
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    async def push(self, push: Push) -> None:
        answer = await self.http.request(
            push.method, push.path, params=dict(push.query), headers=dict(push.headers), content=push.body
        )
        assert answer.status_code == 200, (push.path, answer.text)

    async def label(self, carrier: str, **more: Any) -> Any:
        """A waybill at the carrier, not registered yet: its number, and the body that registers it."""
        self.serial += 1
        order = f"SO-E-{self.serial:04d}"
        person = customer(self.serial, 12, datetime.now(UTC))
        waybill = self.sandbox.world.book(carrier, order, phone=person["phone"])
        return waybill.number, registration(order, carrier, waybill.number, person, more)

    async def shipment(self, carrier: str, **more: Any) -> dict[str, Any]:
        _, body = await self.label(carrier, **more)
        return dict(await self.call("POST", "/v1/shipments", body))

    async def says(
        self, carrier: str, number: str, status: Status = Status.UNKNOWN, *, hours: float = 0, **more: Any
    ) -> None:
        """The carrier pushes what happened so many hours ago, and the gateway has taken it in."""
        at = datetime.now(UTC) - timedelta(hours=hours)
        event = self.sandbox.world.happen(carrier, number, status, at=at, text=f"{status} {at}", **more)
        await self.push(getattr(self.sandbox, carrier).push(number, event))

    async def until(self, path: str, found: Any) -> Any:
        """What a list or a thing says as soon as `found` holds of it."""

        async def look() -> Any:
            body = await self.call("GET", path)
            return body if found(body) else None

        return await eventually(look, f"{path} never was what it should be", seconds=60)


@asynccontextmanager
async def town(database_url: str, listening: Any) -> AsyncIterator[Town]:
    """listening: a context manager over the store, entered before the first statement of a working gateway."""
    async with serve(World()) as sandbox:
        port = free_port()
        config = load(_CONFIG, variables(sandbox.port, sandbox.smtp_port, port))
        environment = Environment(
            database_url=database_url,
            port=port,
            config=_CONFIG,
            admin_key=KEY,  # type: ignore[arg-type]
            secret_key="a secret key for the tests only",  # type: ignore[arg-type]
            public_url=f"http://127.0.0.1:{port}",
        )
        gateway = Gateway(environment, config)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=environment.public_url or "", headers=headers, trust_env=False) as http:
            await gateway._first_steps()
            with listening(gateway.store):
                await gateway.start()
                try:
                    yield Town(gateway=gateway, sandbox=sandbox, http=http)
                finally:
                    await gateway.stop()


async def a_day(town: Town) -> None:
    """Registering, pushing, asking, stalling, paying, telling, and everything people do."""
    await _remedied(town)
    await _journeys(town)
    await _odd_pushes(town)
    await _people(town)
    await _looked_up(town)
    await _chores(town)


async def _remedied(town: Town) -> None:
    """Nobody collects it: another carrier, a coupon, messages. One hangs on its way: a coupon and three channels."""
    made = datetime.now(UTC) - timedelta(days=9)
    forgotten, stuck = await town.shipment("sf"), await town.shipment("zto")
    for carrier, parcel, status in (("sf", forgotten, Status.PRE_TRANSIT), ("zto", stuck, Status.IN_TRANSIT)):
        hours = (datetime.now(UTC) - made) / timedelta(hours=1)
        await town.says(carrier, parcel["tracking_number"], status, hours=hours, place="深圳市")
    for kind in ("stall_pre_transit", "stall_in_transit"):
        brief = (await town.until(f"/v1/cases?kind={kind}", lambda body: body["items"]))["items"][0]
        await town.until(f"/v1/cases/{brief['id']}", _ended)
    await town.says("zto", stuck["tracking_number"], Status.DELIVERED)
    await town.until(f"/v1/shipments/{stuck['id']}", lambda body: body["status"] == "delivered")


def _ended(case: Mapping[str, Any]) -> bool:
    return all(remedy["state"] not in {"pending", "doing"} for remedy in case["remedies"])


async def _journeys(town: Town) -> None:
    """A promise kept, a trouble at the carrier, a subscription, one that nobody watches any more."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    kept = await town.shipment("sf", promised_at=tomorrow)
    for status in (Status.PICKED_UP, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED):
        await town.says("sf", kept["tracking_number"], status)
    wrong = await town.shipment("sf")
    await town.says("sf", wrong["tracking_number"], Status.EXCEPTION, reason=Reason.CARRIER_DELAY)
    await town.shipment("yto")
    number = wrong["tracking_number"]
    await town.until(f"/v1/tracking/{number}", lambda body: body["reason"])
    await town.call("GET", f"/v1/tracking?numbers={number},{kept['tracking_number']}")
    await town.call("GET", f"/v1/orders/{kept['order_id']}/tracking")
    await town.call("PATCH", f"/v1/shipments/{wrong['id']}", {"promised_at": tomorrow})
    await town.call("DELETE", f"/v1/shipments/{wrong['id']}")
    await town.call("DELETE", f"/v1/shipments/{kept['id']}/recipient")


async def _odd_pushes(town: Town) -> None:
    """About a number nobody registered yet, and one that nobody can read."""
    stranger, _ = await town.label("sf")
    await town.says("sf", stranger, Status.PICKED_UP)
    number, body = await town.label("sf")
    await town.says("sf", number, Status.PICKED_UP)
    await town.says("sf", number, code="WORD")
    event = town.sandbox.world.happen("sf", number, Status.IN_TRANSIT, text="")
    await town.push(replace(town.sandbox.sf.push(number, event), body=b"{"))
    unread = await town.until("/v1/inbox?state=quarantined", lambda found: found["items"])
    await town.until("/v1/inbox?state=waiting", lambda found: not found["items"])
    await town.call("POST", "/v1/shipments/batch", {"shipments": [body]})
    await town.call("POST", f"/v1/inbox/{unread['items'][0]['id']}/replay")


async def _people(town: Town) -> None:
    reported = await town.call("POST", "/v1/exceptions", {"order_id": "SO-E-0001", "kind": "complaint", "detail": "?"})
    for name, body in (("assign", {"owner": "care"}), ("comment", {"note": "seen"}), ("resolve", {}), ("reopen", {})):
        await town.call("POST", f"/v1/cases/{reported['id']}/{name}", body)
    for action in ("declare", "end"):
        await town.call("POST", "/v1/carriers/ups/incident", {"action": action})
    choice = {"origin": {"country": "CN"}, "destination": {"country": "CN"}, "order_id": "SO-E-0001"}
    await town.call("POST", "/v1/carriers/choose", choice)
    await town.call("PUT", "/v1/mappings/sf/WORD", {"status": "in_transit"})
    await town.call("POST", "/v1/keys", {"role": "ops", "label": "somebody"})
    stalls = await town.call("GET", "/v1/policies/stalls")
    await town.call("PUT", "/v1/policies/stalls", stalls, match=stalls["version"])


async def _looked_up(town: Town) -> None:
    """Every list, with every filter, on its first page and on one behind."""
    for path, filters in _LISTS.items():
        for wanted in ("", *filters):
            first = await town.call("GET", f"{path}?limit=1&{wanted}")
            if first["next_cursor"]:
                await town.call("GET", f"{path}?limit=1&{wanted}&cursor={first['next_cursor']}")
    for path in ("/readyz", "/metrics", "/v1/carriers", "/v1/keys"):
        await town.call("GET", path)


async def _chores(town: Town) -> None:
    rt = town.gateway.rt
    for chore in (check_carriers, learn_lanes, expire):
        await chore(rt)
