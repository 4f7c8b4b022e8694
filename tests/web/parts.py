"""A gateway's HTTP face on a real socket, with hand-made carriers and notifiers behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from gateway.contract import BadPayload, BadSignature, Can, Notifier, NotifierSettings, Outcome, Push, Reply, Verdict
from gateway.domain import Channel, Message, MessageState, Receipt
from gateway.plugins import Notifiers, Sender
from gateway.render import Renderer
from gateway.settings import NotifierRow
from gateway.store.engine import Store
from gateway.tracking.inbox import Inbox, read_inbox
from gateway.web.app import application, table
from gateway.web.auth import Keyring, Role, new_key
from gateway.web.doorstep import shorten
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from gateway.words import load
from tests.tracking.parts import Fake, World, carrier, runtime

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-long-and-random-token"
SIGNED = {"X-Sign": "good"}


class Signing(Fake):
    """Pushes are signed with a header; its own words for yes and no."""

    code = "signing"
    can = Can.POLL | Can.WEBHOOK | Can.BOOK

    def verify(self, request: Push) -> None:
        if request.headers.get("x-sign") != "good":
            raise BadSignature("no good")

    def acknowledge(self, outcome: Outcome) -> Reply:
        return Reply.json({"said": "yes" if outcome.verdict is Verdict.ACCEPTED else "no"})

    def handshake(self, request: Push) -> Reply:
        return Reply(body=request.query.get("echo", "").encode(), content_type="text/plain")

    def token(self, request: Push) -> Reply:
        if request.headers.get("authorization") != "Basic good":
            raise BadSignature("who are you")
        return Reply.json({"access_token": "bearer"})


class Trusting(Signing):
    """Unsigned pushes on a secret path."""

    trusted_path = True

    def verify(self, request: Push) -> None:
        if request.token is None:
            raise BadSignature("not on the secret path")


class Postman(Notifier):
    """Receipts of the form [[provider_id, state], ...]."""

    code = "postman"
    channel = Channel.SMS
    Settings = NotifierSettings

    async def send(self, message: Message, address: str) -> str:
        return "1"

    def verify(self, request: Push) -> None:
        if request.headers.get("x-sign") != "good":
            raise BadSignature("no good")

    def receipts(self, request: Push) -> list[Receipt]:
        try:
            return [Receipt(provider_id=one, state=MessageState(state)) for one, state in json.loads(request.body)]
        except ValueError as error:
            raise BadPayload("not JSON") from error

    def acknowledge(self, request: Push, *, accepted: bool) -> Reply:
        return Reply(body=b"ok" if accepted else b"fail", content_type="text/plain")

    def handshake(self, request: Push) -> Reply:
        return Reply(body=request.query["echostr"].encode(), content_type="text/plain")


def sender(name: str = "sms-cn", **row: Any) -> Sender:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    made = NotifierRow(notifier="postman", **row)
    return Sender(name=name, row=made, notifier=Postman(NotifierSettings(), client))


@dataclass(kw_only=True)
class Gate:
    """The face of a gateway, and a key of every role."""

    rt: World
    desk: Desk
    client: TestClient[Any, Any]
    keys: Mapping[str, str]

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: str | None = "admin", **more: Any
    ) -> ClientResponse:
        headers = {**({"Authorization": f"Bearer {self.keys[role]}"} if role else {}), **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> ClientResponse:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> ClientResponse:
        return await self.ask("POST", path, body, **more)

    async def shipment(self, tracking_number: str = "SF1234567890", carrier: str = "sf", **more: Any) -> dict[str, Any]:
        """Registered over HTTP."""
        body = {"order_id": "SO-1", "carrier": carrier, "tracking_number": tracking_number, **more}
        response = await self.post("/v1/shipments", body)
        assert response.status in {200, 201}, await response.text()
        found: dict[str, Any] = await response.json()
        return found

    async def pushed(self, *scans: list[Any], carrier: str = "sf") -> None:
        """What the carrier says, taken in."""
        response = await self.client.post(f"/webhooks/{carrier}", json=list(scans), headers=SIGNED)
        assert response.status == 200
        await read_inbox(self.rt, 100)


@asynccontextmanager
async def gate(store: Store, **more: Any) -> AsyncIterator[Gate]:
    given = (
        carrier("sf", Signing),
        carrier("zto", Signing),
        carrier("ems", Trusting, webhook_token=SecretStr(TOKEN)),
        carrier("poller", Fake),
    )
    rt = runtime(store, *given, words=load(ROOT / "config/words"), renderer=Renderer(ROOT / "config/messages"), **more)
    rt.notifiers = Notifiers({"sms-cn": sender(webhook_token=SecretStr(TOKEN))}, {Channel.SMS: ("sms-cn",)})
    async with store.write() as tx:
        await rt.policies.load(tx, rt.clock())
        keys = {role.name.lower(): (await new_key(tx, role, f"a {role.name.lower()}", rt.clock()))[1] for role in Role}
    async with Inbox(rt) as inbox:
        metrics = Metrics()
        rt.follow = (*rt.follow, metrics.follow)
        desk = Desk(keyring=Keyring(store), metrics=metrics, inbox=inbox)
        async with TestServer(application(rt, desk)) as server, TestClient(server) as client:
            assert server.runner is not None and server.runner.server is not None
            shorten(server.runner.server, rt, desk)
            yield Gate(rt=rt, desk=desk, client=client, keys=keys)


def fits(method: str, path: str, value: Any, status: int | None = None) -> None:
    """An answer has exactly the shape that the OpenAPI document gives it. path: as in the table."""
    one = next(one for one in table() if (one.method, one.path.split(":")[0]) == (method, path.split(":")[0]))
    model = one.answers if status is None else dict(one.also)[status]
    assert model is not None
    model.model_validate(value, extra="forbid")


async def problem(response: ClientResponse, status: int, *fields: str) -> dict[str, Any]:
    """The answer is a problem document of this status that names these fields, and nothing else."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = await response.json()
    assert document["status"] == status
    assert document["detail"]
    assert {"type", "title", "errors"} <= document.keys()
    assert tuple(sorted(one["field"] for one in document["errors"])) == tuple(sorted(fields))
    return document
