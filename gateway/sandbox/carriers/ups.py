"""UPS, from its side: token, track, Track Alert, ship, label recovery, void, intercept, and the alert. Sheet: ups.md.

There is no idempotency key: shipping twice makes two shipments, as at UPS.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import basic, same
from gateway.sandbox.carriers.ups_wire import (
    Data,
    alert_of,
    blocked,
    inside,
    problem,
    reference_in,
    shipment_of,
    tracking_of,
)
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, Event, WaybillState
from gateway.sandbox.wire import json_push, parsed, text_of
from gateway.sandbox.world import World


class UPS:
    """Tokens live until `revoke`. Every other call wants one; tracking also wants transId and transactionSrc."""

    code = "ups"

    def __init__(self, world: World) -> None:
        self.world = world
        self._tokens: set[str] = set()

    def revoke(self) -> None:
        """Let all tokens expire."""
        self._tokens.clear()

    def routes(self, prefix: str = "/ups") -> list[web.RouteDef]:
        api = f"{prefix}/api"
        return [
            web.post(f"{prefix}/security/v1/oauth/token", self.token),
            web.get(api + "/track/v1/details/{number}", self._open("query", self._track)),
            web.get(api + "/track/v1/reference/details/{reference}", self._open("find_booking", self._by_reference)),
            web.post(
                api + "/track/{version:v1|v2}/subscription/{type}/package", self._open("subscribe", self._subscribe)
            ),
            web.post(api + "/shipments/{version}/ship", self._open("book", self._ship)),
            web.post(api + "/labels/{version}/recovery", self._open("find_booking", self._recover)),
            web.delete(api + "/shipments/{version}/void/cancel/{number}", self._open("cancel", self._void)),
            web.post(api + "/deliveryintercept/v2/{kind:return|cancel}/{number}", self._open("intercept", self._stop)),
        ]

    async def token(self, request: web.Request) -> web.StreamResponse:
        accounts = self.world.accounts
        given = request.headers.get("Authorization", "")
        good = same(given, basic(accounts.ups_client_id, accounts.ups_client_secret))

        def issue() -> Done:
            if not good:
                return Done(reply=problem(401, "10401", "ClientId is Invalid"))
            token = secrets.token_urlsafe(32)
            self._tokens.add(token)
            answer = {"token_type": "Bearer", "client_id": accounts.ups_client_id, "access_token": token}
            issued = str(int(self.world.clock().timestamp() * 1000))
            return Done(reply=Reply.json(answer | {"issued_at": issued, "expires_in": "14399", "status": "approved"}))

        ask = Ask(provider=self.code, operation="token")
        return await respond(self.world, request, ask, issue, blocked)

    def _open(
        self, operation: str, deed: Callable[[Data, Data], Done]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler: who may come in, then `deed(path, body)`."""

        async def handle(request: web.Request) -> web.StreamResponse:
            body = parsed(await request.read()) or {}
            path = dict(request.match_info)
            refusal = self._gate(request.headers, operation)
            ask = Ask(
                provider=self.code,
                operation=operation,
                key=path.get("reference", "") or reference_in(body),
                number=path.get("number", ""),
                summary={"path": request.path, "body": body},
            )
            return await respond(
                self.world,
                request,
                ask,
                lambda: Done(reply=refusal) if refusal else deed(path, body),
                blocked,
            )

        return handle

    def _gate(self, headers: Mapping[str, str], operation: str) -> Reply | None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            return problem(401, "250002", "Invalid Authentication Information.")
        if operation in {"query", "subscribe"} and not (headers.get("transId") and headers.get("transactionSrc")):
            return problem(400, "VSS002", "Missing transId or transactionSrc")
        return None

    # tracking

    def _track(self, path: Data, body: Data) -> Done:
        number = text_of(path, "number")
        if not 7 <= len(number) <= 34:
            return Done(reply=problem(400, "TV1002", "Invalid inquiry number"))
        waybill = self.world.find("ups", number)
        return Done(reply=Reply.json(tracking_of(number, waybill)))

    def _by_reference(self, path: Data, body: Data) -> Done:
        waybill = self.world.booked("ups", text_of(path, "reference"))
        if waybill is None:
            return Done(reply=problem(404, "TW0001", "Tracking Information Not Found"))
        return Done(reply=Reply.json(tracking_of(waybill.number, waybill)), number=waybill.number)

    def _subscribe(self, path: Data, body: Data) -> Done:
        listed = body.get("trackingNumberList")
        numbers = [str(one) for one in listed] if isinstance(listed, list) else []
        if not numbers or len(numbers) > 100:
            return Done(reply=problem(400, "VSS220" if numbers else "VSS200", "Invalid tracking number list"))
        valid = [one for one in numbers if one.startswith(("1Z", "1R"))]
        found = [self.world.find("ups", one) for one in valid]
        answer = {"validTrackingNumbers": valid, "invalidTrackingNumbers": [one for one in numbers if one not in valid]}
        return Done(reply=Reply.json(answer), effective=any(found), number=numbers[0])

    # shipping

    def _ship(self, path: Data, body: Data) -> Done:
        shipment = inside(body, "ShipmentRequest", "Shipment")
        if not inside(shipment, "ShipTo") or not shipment.get("Package"):
            return Done(reply=problem(400, "120100", "Missing or invalid ship to address or package"))
        waybill = self.world.book(
            "ups", reference_in(body), phone=text_of(inside(shipment, "ShipTo", "Phone"), "Number")
        )
        return Done(reply=Reply.json(shipment_of(waybill)), effective=True, number=waybill.number)

    def _recover(self, path: Data, body: Data) -> Done:
        request = inside(body, "LabelRecoveryRequest")
        reference = text_of(inside(request, "ReferenceValues", "ReferenceNumber"), "Value")
        waybill = self.world.waybills.get(("ups", text_of(request, "TrackingNumber")))
        waybill = waybill or self.world.booked("ups", reference)
        if waybill is None:
            return Done(reply=problem(404, "300000", "No label found"))
        results = {"TrackingNumber": waybill.number, "LabelImage": {"LabelImageFormat": {"Code": "PNG"}}}
        answer = {
            "ShipmentIdentificationNumber": waybill.number,
            "LabelResults": results,
            "Response": {"ResponseStatus": {"Code": "1", "Description": "Success"}},
        }
        return Done(reply=Reply.json({"LabelRecoveryResponse": answer}), number=waybill.number)

    def _void(self, path: Data, body: Data) -> Done:
        waybill = self.world.waybills.get(("ups", text_of(path, "number")))
        if waybill is None:
            return Done(reply=problem(400, "190117", "The shipment was not found"))
        if waybill.state is WaybillState.CANCELLED:
            return Done(reply=problem(400, "190117", "The shipment has already been voided"), number=waybill.number)
        if waybill.handed_over:
            return Done(reply=problem(400, "190104", "The time allowed to void has expired"), number=waybill.number)
        waybill.state = WaybillState.CANCELLED
        status = {"Code": "1", "Description": "Voided"}
        reply = Reply.json({"VoidShipmentResponse": {"SummaryResult": {"Status": status}}})
        return Done(reply=reply, effective=True, number=waybill.number)

    def _stop(self, path: Data, body: Data) -> Done:
        waybill = self.world.find("ups", text_of(path, "number"))
        if waybill is None or not waybill.handed_over:
            return Done(reply=problem(400, "DI0001", "The package cannot be intercepted"))
        first = "intercepted" not in waybill.extra
        waybill.extra["intercepted"] = "yes"
        answer = {"success": True, "transactionId": text_of(body, "transactionId"), "trackingNumber": waybill.number}
        return Done(reply=Reply.json(answer), effective=first, number=waybill.number)

    # the alert

    def push(self, number: str, event: Event | None = None, *, bearer: str = "") -> Push:
        """One event (default: the newest). With a bearer as Track Alert v2, else v1 with the agreed `credential`."""
        waybill = self.world.waybills["ups", number]
        accounts = self.world.accounts
        body = alert_of(waybill, event or waybill.events[-1])
        proof = (
            {"authorization": f"Bearer {bearer}", "x-api-key": accounts.ups_client_id}
            if bearer
            else {"credential": accounts.ups_credential}
        )
        return json_push("/webhooks/ups", body, {"user-agent": "UPSPubSubTrackingService", **proof})

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return status == 200
