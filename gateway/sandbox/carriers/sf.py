"""SF Express (顺丰丰桥), from SF's side: std/service, the OAuth2 token, and the route push. Sheet: sf.md."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import same
from gateway.sandbox.carriers.sf_wire import (
    agreed,
    denied,
    digest,
    envelope,
    order_of,
    pushed_scan,
    refused,
    routes_of,
    waybill_in,
)
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, Event, Waybill, WaybillState
from gateway.sandbox.wire import form_of, json_push, parsed, rows_of, text_of
from gateway.sandbox.world import World

_OPERATIONS = {
    "EXP_RECE_SEARCH_ROUTES": "query",
    "EXP_RECE_REGISTER_ROUTE": "subscribe",
    "EXP_RECE_CREATE_ORDER": "book",
    "EXP_RECE_SEARCH_ORDER_RESP": "find_booking",
    "EXP_RECE_UPDATE_ORDER": "cancel",
    "EXP_RECE_WANTED_INTERCEPT": "intercept",
}
_NEEDED = ("partnerID", "requestID", "serviceCode", "timestamp", "msgData")


class SF:
    """Refuses by code inside HTTP 200, as SF does. A requestID is good for one call."""

    code = "sf"

    def __init__(self, world: World) -> None:
        self.world = world
        self._requests: set[str] = set()
        self._tokens: set[str] = set()
        self._deeds: dict[str, Callable[[Mapping[str, object]], Done]] = {
            "query": self._query,
            "subscribe": self._subscribe,
            "book": self._book,
            "find_booking": self._find_booking,
            "cancel": self._cancel,
            "intercept": self._intercept,
        }

    def routes(self, prefix: str = "/sf") -> list[web.RouteDef]:
        return [web.post(f"{prefix}/std/service", self.service), web.post(f"{prefix}/oauth2/accessToken", self.token)]

    async def service(self, request: web.Request) -> web.StreamResponse:
        form = form_of(await request.read())
        operation = _OPERATIONS.get(form.get("serviceCode", ""), "unknown")
        data = parsed(form.get("msgData", "")) or {}
        refusal = self._gate(form, operation)
        ask = Ask(
            provider=self.code,
            operation=operation,
            key=text_of(data, "orderId"),
            number=waybill_in(data),
            summary={"serviceCode": form.get("serviceCode", ""), "msgData": data},
        )
        return await respond(
            self.world,
            request,
            ask,
            lambda: Done(reply=refusal) if refusal else self._admitted(form, operation, data),
            lambda: refused("8119", "月结卡号不可用"),
        )

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = form_of(await request.read())
        return await respond(
            self.world, request, Ask(provider=self.code, operation="token"), lambda: self._token(form), denied
        )

    # who may come in

    def _gate(self, form: Mapping[str, str], operation: str) -> Reply | None:
        """The refusal of the gateway in front of every service, None for a request that may pass."""
        if missing := [name for name in _NEEDED if not form.get(name)]:
            return envelope("A1001", f"必传参数不可为空: {missing[0]}")
        if form["partnerID"] != self.world.accounts.sf_partner_id or not self._authentic(form):
            return envelope("A1006", "数字签名无效")
        if operation == "unknown":
            return envelope("A1004", "无对应服务权限")
        if form["requestID"] in self._requests:
            return envelope("A1007", "重复请求")
        return None

    def _admitted(self, form: Mapping[str, str], operation: str, data: Mapping[str, object]) -> Done:
        self._requests.add(form["requestID"])
        return self._deeds[operation](data)

    def _authentic(self, form: Mapping[str, str]) -> bool:
        if "accessToken" in form:
            return form["accessToken"] in self._tokens
        check_word = self.world.accounts.sf_check_word
        return same(form.get("msgDigest", ""), digest(form["msgData"], form["timestamp"], check_word))

    def _token(self, form: Mapping[str, str]) -> Done:
        accounts = self.world.accounts
        good = form.get("grantType") == "password" and form.get("partnerID") == accounts.sf_partner_id
        if not good or not same(form.get("secret", ""), accounts.sf_check_word):
            return Done(reply=denied())
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return Done(
            reply=Reply.json(
                {
                    "apiResultCode": "A1000",
                    "apiErrorMsg": "",
                    "apiResponseID": secrets.token_hex(16),
                    "accessToken": token,
                    "expiresIn": 7199,
                }
            )
        )

    # the services

    def _query(self, data: Mapping[str, object]) -> Done:
        numbers = data.get("trackingNumber")
        if not isinstance(numbers, list) or not 0 < len(numbers) <= 10:
            return Done(reply=refused("S0002", "trackingNumber 须为 1 到 10 个单号"))
        find = self._by_order if text_of(data, "trackingType") == "2" else self._by_number
        phones = text_of(data, "checkPhoneNo").split(",")
        replies = [routes_of(str(number), find(str(number)), phones) for number in numbers]
        return Done(reply=agreed({"routeResps": replies}))

    def _subscribe(self, data: Mapping[str, object]) -> Done:
        return Done(reply=agreed({}), effective=self._by_number(waybill_in(data)) is not None)

    def _book(self, data: Mapping[str, object]) -> Done:
        order = text_of(data, "orderId")
        contacts = rows_of(data, "contactInfoList")
        if not order or len(order) > 64 or len(contacts) < 2 or not rows_of(data, "cargoDetails"):
            return Done(reply=refused("S0001", "orderId, cargoDetails, contactInfoList 为必填"))
        if known := self._by_order(order):
            if known.state is WaybillState.CANCELLED:
                return Done(reply=refused("8037", "订单已取消, 单号不可重复使用"), number=known.number)
            return Done(reply=refused("8016", "重复下单", order_of(known)), number=known.number)
        receiver = next((one for one in contacts if text_of(one, "contactType") == "2"), {})
        waybill = self.world.book("sf", order, phone=text_of(receiver, "mobile", "tel"))
        return Done(reply=agreed(order_of(waybill)), effective=True, number=waybill.number)

    def _find_booking(self, data: Mapping[str, object]) -> Done:
        waybill = self._by_order(text_of(data, "orderId"))
        if waybill is None:
            return Done(reply=refused("8024", "未下单"))
        if waybill.state is WaybillState.CANCELLED:
            return Done(reply=refused("8037", "已消单"), number=waybill.number)
        return Done(reply=agreed(order_of(waybill)), number=waybill.number)

    def _cancel(self, data: Mapping[str, object]) -> Done:
        waybill = self._by_order(text_of(data, "orderId"))
        named = waybill_in(data)
        if waybill is None:
            return Done(reply=refused("8024", "未下单"))
        if named and named != waybill.number:
            return Done(reply=refused("8017", "订单号与运单号不匹配"), number=waybill.number)
        if waybill.state is WaybillState.CANCELLED:
            return Done(reply=refused("8037", "已消单"), number=waybill.number)
        if waybill.handed_over:
            return Done(reply=refused("8018", "已收件, 不可取消"), number=waybill.number)
        if text_of(data, "dealType") == "2":
            waybill.state = WaybillState.CANCELLED
        answer = agreed({"orderId": waybill.reference, "resStatus": 2})
        return Done(reply=answer, effective=waybill.state is WaybillState.CANCELLED, number=waybill.number)

    def _intercept(self, data: Mapping[str, object]) -> Done:
        """The layout of this service is not published; what counts is the waybill it names."""
        waybill = self._by_number(waybill_in(data))
        if waybill is None or not waybill.handed_over:
            return Done(reply=refused("8024", "运单不可拦截"))
        first = "intercepted" not in waybill.extra
        waybill.extra["intercepted"] = "yes"
        return Done(reply=agreed({"waybillNo": waybill.number}), effective=first, number=waybill.number)

    def _by_number(self, number: str) -> Waybill | None:
        return self.world.find("sf", number)

    def _by_order(self, order: str) -> Waybill | None:
        return self.world.booked("sf", order)

    # the push

    def push(self, number: str, *events: Event) -> Push:
        """A route push of these events (default: all so far). Unsigned: its secret is the path."""
        waybill = self.world.waybills["sf", number]
        rows = [pushed_scan(waybill, event) for event in events or waybill.events]
        token = self.world.accounts.sf_webhook_token
        return json_push(f"/webhooks/sf/{token}", {"Body": {"WaybillRoute": rows}}, token=token)

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return status == 200 and (parsed(body) or {}).get("return_code") == "0000"
