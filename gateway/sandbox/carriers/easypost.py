"""EasyPost, from its side: trackers, shipments (rate, buy, refund) and the signed event. Sheet: easypost.md."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import basic, hmac_sha256, same
from gateway.domain import Status
from gateway.sandbox.carriers.easypost_wire import (
    RATES,
    Data,
    detail_of,
    object_in,
    problem,
    rate_of,
    rates_in,
    stamp,
    words_of,
)
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, WaybillState
from gateway.sandbox.wire import compact, parsed, raw_push, text_of
from gateway.sandbox.world import World

#: whose parcels it tells of; in the world they are this carrier's
CARRIER = "usps"


class EasyPost:
    """Trackers are made once per code. A shipment is bought once: the second buy is refused."""

    code = "easypost"

    def __init__(self, world: World) -> None:
        self.world = world
        self._shipments: dict[str, dict[str, object]] = {}
        self._trackers: dict[str, str] = {}

    def routes(self, prefix: str = "/easypost") -> list[web.RouteDef]:
        """Both below the prefix and below `prefix/v2`: the version is part of the published base address."""
        return [route for start in (prefix, f"{prefix}/v2") for route in self._routes(start)]

    def _routes(self, start: str) -> list[web.RouteDef]:
        return [
            web.post(f"{start}/trackers", self._open("subscribe", self._create_tracker)),
            web.post(f"{start}/trackers/batch", self._open("query", self._batch)),
            web.get(f"{start}/trackers", self._open("query", self._list)),
            web.get(start + "/trackers/{id}", self._open("query", self._get_tracker)),
            web.post(f"{start}/shipments", self._open("create", self._create_shipment)),
            web.get(f"{start}/shipments", self._open("find_booking", self._list_shipments)),
            web.get(start + "/shipments/{id}", self._open("find_booking", self._get_shipment)),
            web.post(start + "/shipments/{id}/buy", self._open("book", self._buy)),
            web.post(start + "/shipments/{id}/refund", self._open("cancel", self._refund)),
        ]

    def _open(
        self, operation: str, deed: Callable[[Data, Data], Done]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler: Basic authorization, then `deed(path and query, body)`."""

        async def handle(request: web.Request) -> web.StreamResponse:
            body = parsed(await request.read()) or {}
            asked = {**request.query, **request.match_info}
            asked["tracking_codes"] = ",".join(request.query.getall("tracking_codes[]", []))
            allowed = same(request.headers.get("Authorization", ""), basic(self.world.accounts.easypost_api_key, ""))
            ask = Ask(
                provider=self.code,
                operation=operation,
                key=text_of(object_in(body, "shipment"), "reference") or asked.get("id", ""),
                number=text_of(object_in(body, "tracker"), "tracking_code"),
                summary={"path": request.path, "body": body},
            )
            return await respond(
                self.world,
                request,
                ask,
                lambda: deed(asked, body) if allowed else Done(reply=problem(401, "APIKEY.INACTIVE", "unauthorized")),
                lambda: problem(422, "SHIPMENT.POSTAGE.FAILURE", "The carrier refused this shipment"),
            )

        return handle

    # trackers

    def _create_tracker(self, asked: Data, body: Data) -> Done:
        code = text_of(object_in(body, "tracker"), "tracking_code")
        if not code:
            return Done(reply=problem(422, "TRACKER.CREATE.ERROR", "tracking_code is required"))
        first = code not in self._trackers
        return Done(reply=Reply.json(self._tracker(code), status=201), effective=first, number=code)

    def _batch(self, asked: Data, body: Data) -> Done:
        codes = body.get("tracking_codes")
        return self._known([str(code) for code in codes] if isinstance(codes, list) else [])

    def _list(self, asked: Data, body: Data) -> Done:
        one, several = text_of(asked, "tracking_code"), text_of(asked, "tracking_codes")
        return self._known([code for code in (one, *several.split(",")) if code])

    def _known(self, codes: list[str]) -> Done:
        """Only trackers that were created, newest first."""
        rows = [self._tracker(code) for code in reversed(codes) if code in self._trackers]
        return Done(reply=Reply.json({"trackers": rows, "has_more": False}))

    def _get_tracker(self, asked: Data, body: Data) -> Done:
        code = next((code for code, one in self._trackers.items() if one == text_of(asked, "id")), None)
        if code is None:
            return Done(reply=problem(404, "TRACKER.NOT_FOUND", "The requested resource could not be found"))
        return Done(reply=Reply.json(self._tracker(code)), number=code)

    def _tracker(self, code: str) -> dict[str, object]:
        waybill = self.world.find(CARRIER, code)
        identity = self._trackers.setdefault(code, f"trk_{self.world.serial():012d}")
        events = sorted(waybill.events, key=lambda one: one.at) if waybill else []
        last = words_of(events[-1]) if events else ("unknown", "unknown")
        return {
            "id": identity,
            "object": "Tracker",
            "mode": "test",
            "tracking_code": code,
            "status": last[0],
            "status_detail": last[1],
            "carrier": "USPS",
            "is_return": False,
            "finalized": bool(events) and events[-1].status is Status.DELIVERED,
            "created_at": stamp(waybill.created_at if waybill else self.world.clock()),
            "updated_at": stamp(self.world.clock()),
            "fees": [],
            "weight": 17.6,
            "tracking_details": [detail_of(event) for event in events],
        }

    # shipments

    def _create_shipment(self, asked: Data, body: Data) -> Done:
        shipment = object_in(body, "shipment")
        if not object_in(shipment, "to_address") or not object_in(shipment, "parcel"):
            return Done(reply=problem(422, "PARAMETER.REQUIRED", "to_address and parcel are required"))
        identity = f"shp_{self.world.serial():012d}"
        rates = [rate_of(identity, n, rate) for n, rate in enumerate(RATES)]
        document: dict[str, object] = {
            "id": identity,
            "object": "Shipment",
            "mode": "test",
            "reference": text_of(shipment, "reference"),
            "rates": rates,
            "messages": [],
            "selected_rate": None,
            "tracking_code": None,
            "refund_status": None,
            "to_address": shipment["to_address"],
        }
        self._shipments[identity] = document
        if text_of(shipment, "service"):
            return self._bought(document, next((r for r in rates if r["service"] == shipment["service"]), None), 201)
        return Done(reply=Reply.json(document, status=201), effective=True)

    def _buy(self, asked: Data, body: Data) -> Done:
        document = self._shipments.get(text_of(asked, "id"))
        if document is None:
            return Done(reply=problem(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found"))
        if document["tracking_code"]:
            number = str(document["tracking_code"])
            return Done(reply=problem(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists"), number=number)
        wanted = text_of(object_in(body, "rate"), "id")
        return self._bought(document, next((r for r in rates_in(document) if r["id"] == wanted), None), 200)

    def _bought(self, document: dict[str, object], rate: Data | None, status: int) -> Done:
        if rate is None:
            return Done(reply=problem(422, "SHIPMENT.POSTAGE.FAILURE", "No rate of that id or service"))
        to = object_in(document, "to_address")
        waybill = self.world.book(CARRIER, text_of(document, "reference"), phone=text_of(to, "phone"))
        waybill.extra["shipment"] = str(document["id"])
        document |= {
            "selected_rate": rate,
            "tracking_code": waybill.number,
            "tracker": self._tracker(waybill.number),
            "postage_label": {"label_url": "https://labels.invalid/1.png", "label_file_type": "image/png"},
            "fees": [],
        }
        return Done(reply=Reply.json(document, status=status), effective=True, number=waybill.number)

    def _named(self, name: str) -> dict[str, object] | None:
        """A shipment by its id, or by the reference it was created with."""
        referred = (one for one in self._shipments.values() if name and one["reference"] == name)
        return self._shipments.get(name) or next(referred, None)

    def _get_shipment(self, asked: Data, body: Data) -> Done:
        document = self._named(text_of(asked, "id"))
        if document is None:
            return Done(reply=problem(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found"))
        return Done(reply=Reply.json(document))

    def _list_shipments(self, asked: Data, body: Data) -> Done:
        newest = list(reversed(self._shipments.values()))
        return Done(reply=Reply.json({"shipments": newest, "has_more": False}))

    def _refund(self, asked: Data, body: Data) -> Done:
        document = self._named(text_of(asked, "id"))
        if document is None or not document["tracking_code"]:
            return Done(reply=problem(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found"))
        waybill = self.world.waybills[CARRIER, str(document["tracking_code"])]
        first = waybill.state is WaybillState.ORDERED
        if not first or waybill.handed_over:
            reply = problem(422, "SHIPMENT.REFUND.UNAVAILABLE", "Refund is not possible")
            return Done(reply=reply, number=waybill.number)
        waybill.state, document["refund_status"] = WaybillState.CANCELLED, "submitted"
        return Done(reply=Reply.json(document), effective=True, number=waybill.number)

    # the event

    def push(self, number: str, *, row: str = "easypost") -> Push:
        """tracker.updated with the whole tracker as it is now, signed over the raw body, to a carrier row's address."""
        event = {
            "id": f"evt_{self.world.serial():012d}",
            "object": "Event",
            "description": "tracker.updated",
            "mode": "test",
            "status": "pending",
            "previous_attributes": {},
            "pending_urls": [],
            "completed_urls": [],
            "created_at": stamp(self.world.clock()),
            "result": self._tracker(number),
        }
        raw = compact(event).encode()
        secret = unicodedata.normalize("NFKD", self.world.accounts.easypost_webhook_secret)
        signature = f"hmac-sha256-hex={hmac_sha256(secret, raw).hex()}"
        return raw_push(f"/webhooks/{row}", raw, "application/json", {"x-hmac-signature": signature}, None)

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return 200 <= status < 300
