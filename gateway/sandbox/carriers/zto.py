"""ZTO (中通开放平台), from ZTO's side: one path per interface, answers by code inside HTTP 200. Sheet: zto.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import md5_base64, same
from gateway.sandbox.carriers.zto_wire import agreed, order_of, pushed_scan, queried_scan, refused
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, Event, Waybill, WaybillState
from gateway.sandbox.wire import compact, form_push, last4, parsed, text_of
from gateway.sandbox.world import World

_OPERATIONS = {
    "zto.merchant.waybill.track.query": "query",
    "zto.merchant.waybill.track.subsrcibe": "subscribe",
    "zto.open.createOrder": "book",
    "zto.open.getOrderInfo": "find_booking",
    "zto.open.cancelPreOrder": "cancel",
    "thirdcenter.createIntercept": "intercept",
}
_NUMBER = re.compile(r"[0-9]{10,15}")


class ZTO:
    """Only 预约件 (orderType 2) can be cancelled; a partnerOrderCode booked before gives the first order again."""

    code = "zto"

    def __init__(self, world: World) -> None:
        self.world = world
        self._deeds: dict[str, Callable[[Mapping[str, object]], Done]] = {
            "query": self._query,
            "subscribe": self._subscribe,
            "book": self._book,
            "find_booking": self._find_booking,
            "cancel": self._cancel,
            "intercept": self._intercept,
        }

    def routes(self, prefix: str = "/zto") -> list[web.RouteDef]:
        return [web.post(prefix + "/{interface}", self.service)]

    async def service(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        interface = request.match_info["interface"]
        operation = _OPERATIONS.get(interface, "unknown")
        data = parsed(raw) or {}
        refusal = self._gate(request.headers, raw, operation)
        ask = Ask(
            provider=self.code,
            operation=operation,
            key=text_of(data, "partnerOrderCode", "orderCode"),
            number=text_of(data, "billCode"),
            summary={"interface": interface, "body": data},
        )
        return await respond(
            self.world,
            request,
            ask,
            lambda: Done(reply=refusal) if refusal else self._deeds[operation](data),
            lambda: refused("E418", "网点未授权"),
        )

    def _gate(self, headers: Mapping[str, str], raw: bytes, operation: str) -> Reply | None:
        accounts = self.world.accounts
        if (headers.get("x-appKey") or headers.get("x-companyId")) != accounts.zto_app_key:
            return refused("S210", "没有权限")
        if not same(headers.get("x-dataDigest", ""), md5_base64(raw + accounts.zto_app_secret.encode())):
            return refused("S211", "签名错误")
        return refused("S207", "接口不存在") if operation == "unknown" else None

    # the interfaces

    def _query(self, data: Mapping[str, object]) -> Done:
        if refusal := self._misnumbered(data):
            return Done(reply=refusal)
        waybill = self.world.find("zto", text_of(data, "billCode"))
        if waybill is None:
            return Done(reply=agreed([]))
        phone = text_of(data, "mobilePhone")
        if waybill.phone and phone and last4(phone) != last4(waybill.phone):
            return Done(reply=refused("E409", "手机号校验失败"))
        rows = (queried_scan(waybill, event) for event in sorted(waybill.events, key=lambda one: one.at))
        return Done(reply=agreed([row for row in rows if row is not None]))

    def _subscribe(self, data: Mapping[str, object]) -> Done:
        if refusal := self._misnumbered(data):
            return Done(reply=refusal)
        waybill = self.world.find("zto", text_of(data, "billCode"))
        first = waybill is not None and "subscribed" not in waybill.extra
        if waybill is not None:
            waybill.extra["subscribed"] = "yes"
        return Done(reply=agreed("true"), effective=first)

    @staticmethod
    def _misnumbered(data: Mapping[str, object]) -> Reply | None:
        number = text_of(data, "billCode")
        if not number:
            return refused("S208", "缺少参数 billCode")
        return None if _NUMBER.fullmatch(number) else refused("E416", "非中通单号")

    def _book(self, data: Mapping[str, object]) -> Done:
        order, account = text_of(data, "partnerOrderCode"), data.get("accountInfo")
        receiver = data.get("receiveInfo")
        if not order or not isinstance(receiver, dict) or not isinstance(data.get("senderInfo"), dict):
            return Done(reply=refused("S208", "缺少参数 partnerOrderCode, senderInfo, receiveInfo"))
        if not isinstance(account, dict) or not self._account(account):
            return Done(reply=refused("E404", "电子面单账号未绑定"))
        if known := self.world.booked("zto", order):
            return Done(reply=agreed(order_of(known), "0000"), number=known.number)
        waybill = self.world.book(
            "zto",
            order,
            phone=text_of(receiver, "receiverMobile", "receiverPhone"),
            kind=text_of(data, "orderType") or "1",
        )
        waybill.extra["order"] = f"26{waybill.number[3:]}"
        return Done(reply=agreed(order_of(waybill), "0000"), effective=True, number=waybill.number)

    def _account(self, account: Mapping[str, object]) -> bool:
        accounts = self.world.accounts
        password = text_of(account, "accountPassword")
        return text_of(account, "accountId") == accounts.zto_account_id and (
            not password or same(password, accounts.zto_account_password)
        )

    def _find_booking(self, data: Mapping[str, object]) -> Done:
        """The fields of getOrderInfo are not in the sheet: any of the three names of an order is accepted."""
        waybill = self._ordered(data)
        if waybill is None:
            return Done(reply=refused("E416", "订单不存在"))
        return Done(reply=agreed([order_of(waybill)]), number=waybill.number)

    def _cancel(self, data: Mapping[str, object]) -> Done:
        waybill = self._ordered(data)
        if waybill is None:
            return Done(reply=refused("E416", "订单不存在"))
        if waybill.state is WaybillState.CANCELLED:
            return Done(reply=agreed("订单已取消"), number=waybill.number)
        if waybill.extra.get("kind", "2") != "2" or waybill.handed_over:
            return Done(reply=refused("E400", "全网件或已揽收的订单不可取消"), number=waybill.number)
        waybill.state = WaybillState.CANCELLED
        return Done(reply=agreed("取消成功"), effective=True, number=waybill.number)

    def _intercept(self, data: Mapping[str, object]) -> Done:
        """Fields unpublished; what counts is the waybill it names."""
        waybill = self.world.find("zto", text_of(data, "billCode"))
        if waybill is None or not waybill.handed_over:
            return Done(reply=refused("E416", "运单不可拦截"))
        first = "intercepted" not in waybill.extra
        waybill.extra["intercepted"] = "yes"
        return Done(reply=agreed({"billCode": waybill.number}), effective=first, number=waybill.number)

    def _ordered(self, data: Mapping[str, object]) -> Waybill | None:
        number, order = text_of(data, "billCode"), text_of(data, "orderCode")
        own = (one for one in self.world.waybills.values() if one.carrier == "zto")
        named = (one for one in own if number == one.number or (order and one.extra.get("order") == order))
        return next(named, None) or self.world.booked("zto", text_of(data, "partnerOrderCode", "partnerOrderNo"))

    # the push

    def push(self, number: str, event: Event | None = None) -> Push:
        """One event (default: the newest), signed as ZTO does."""
        waybill = self.world.waybills["zto", number]
        data = compact(pushed_scan(waybill, event or waybill.events[-1]))
        accounts = self.world.accounts
        fields = {
            "data": data,
            "data_digest": md5_base64(data + accounts.zto_app_secret),
            "msg_type": "Traces",
            "company_id": accounts.zto_app_key,
        }
        return form_push("/webhooks/zto", fields)

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        return status == 200 and (parsed(body) or {}).get("status") is True
