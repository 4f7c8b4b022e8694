"""快递100, from its side: query, subscribe, booking (商家寄件), cancel, and the signed push. Sheet: kuaidi100.md.

It speaks of other companies' parcels: a waybill of carrier `sf` is `shunfeng` here (see `COMPANIES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from gateway.contract.carrier import Push, Reply
from gateway.contract.signing import md5_hex, same
from gateway.sandbox.carriers.kuaidi100_wire import agreed, order_of, refused, result_of
from gateway.sandbox.door import respond
from gateway.sandbox.records import Ask, Done, Waybill, WaybillState
from gateway.sandbox.wire import compact, form_of, form_push, last4, parsed, text_of
from gateway.sandbox.world import World

#: its name of a company -> the carrier in the world; a name that is not here is the carrier's own
COMPANIES = {"shunfeng": "sf", "zhongtong": "zto", "yuantong": "yto"}
_NAMES = {carrier: company for company, carrier in COMPANIES.items()}
_PHONE_NEEDED = frozenset({"shunfeng", "shunfengkuaiyun", "fengwang", "zhongtong"})
_REPEAT_WINDOW = timedelta(hours=48)
_METHODS = {
    "bOrderBest": "book",
    "bOrder": "book",
    "cOrder": "book",
    "cancelBest": "cancel",
    "cancel": "cancel",
    "interceptOrder": "intercept",
}
_PREFIXES = {"SF": "shunfeng", "YT": "yuantong", "73": "zhongtong", "JT": "jtexpress"}


class Kuaidi100:
    """The lock rule (30 minutes per number) is kept when `locks` is on: a locked number answers 500."""

    code = "kuaidi100"

    def __init__(self, world: World, *, locks: bool = False) -> None:
        self.world = world
        self.locks = locks
        self._deeds: dict[str, Callable[[Mapping[str, object]], Done]] = {
            "book": self._book,
            "cancel": self._cancel,
            "intercept": self._intercept,
            "unknown": self._unknown,
        }

    def routes(self, prefix: str = "/kuaidi100") -> list[web.RouteDef]:
        orders = ("/order/borderbestapi.do", "/order/borderapi.do", "/order/corderapi.do", "/label/order")
        return [
            web.post(f"{prefix}/poll/query.do", self.query),
            web.post(f"{prefix}/poll", self.subscribe),
            web.get(f"{prefix}/autonumber/auto", self.detect),
            *(web.post(prefix + path, self.order) for path in orders),
        ]

    # query

    async def query(self, request: web.Request) -> web.StreamResponse:
        form = form_of(await request.read())
        param = parsed(form.get("param", "")) or {}
        ask = Ask(provider=self.code, operation="query", number=text_of(param, "num"), summary=param)
        return await respond(
            self.world, request, ask, lambda: self._query(form, param), lambda: refused("601", "KEY已过期")
        )

    def _query(self, form: Mapping[str, str], param: Mapping[str, object]) -> Done:
        accounts = self.world.accounts
        raw = form.get("param", "")
        expected = md5_hex(raw + accounts.kuaidi100_key + accounts.kuaidi100_customer).upper()
        if form.get("customer") != accounts.kuaidi100_customer or not same(form.get("sign", ""), expected):
            return Done(reply=refused("503", "验证签名失败"))
        company, phone = text_of(param, "com"), text_of(param, "phone")
        if not company or not 6 <= len(text_of(param, "num")) <= 32:
            return Done(reply=refused("400", "找不到对应公司"))
        if company in _PHONE_NEEDED and not phone:
            return Done(reply=refused("408", "验证码错误"))
        return Done(reply=self._answer(company, text_of(param, "num"), phone))

    def _answer(self, company: str, number: str, phone: str) -> Reply:
        waybill = self.world.find(COMPANIES.get(company, company), number)
        if waybill is None or not waybill.events or (self.locks and self._locked(waybill)):
            return refused("500", "查询无结果，请隔段时间再查")
        if company in _PHONE_NEEDED and waybill.phone and last4(phone) != last4(waybill.phone):
            return refused("408", "验证码错误")
        return Reply.json(result_of(waybill, company))

    def _locked(self, waybill: Waybill) -> bool:
        now = self.world.clock().timestamp()
        last = float(waybill.extra.get("kuaidi100_queried", "0"))
        waybill.extra["kuaidi100_queried"] = str(now)
        return now - last < 1800

    async def detect(self, request: web.Request) -> web.StreamResponse:
        number = request.query.get("num", "")
        company = _PREFIXES.get(number[:2].upper())
        rows = [{"comCode": company, "name": company, "lengthPre": len(number), "noCount": 1, "noPre": number[:4]}]
        ask = Ask(provider=self.code, operation="detect", number=number)
        return await respond(
            self.world, request, ask, lambda: Done(reply=Reply.json(rows if company else [])), lambda: Reply.json([])
        )

    # subscribe and push

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        param = parsed(form_of(await request.read()).get("param", "")) or {}
        ask = Ask(provider=self.code, operation="subscribe", number=text_of(param, "number"), summary=param)
        return await respond(
            self.world, request, ask, lambda: self._subscribe(param), lambda: refused("701", "拒绝订阅")
        )

    def _subscribe(self, param: Mapping[str, object]) -> Done:
        options = param.get("parameters")
        if not same(text_of(param, "key"), self.world.accounts.kuaidi100_key):
            return Done(reply=refused("600", "key错误"))
        if not isinstance(options, dict) or not text_of(options, "callbackurl").startswith("http"):
            return Done(reply=refused("700", "callbackurl 不合法"))
        company, number = text_of(param, "company"), text_of(param, "number")
        waybill = self.world.find(COMPANIES.get(company, company), number)
        if waybill is None:
            return Done(reply=agreed("提交成功"))
        first = "callback" not in waybill.extra
        waybill.extra |= {"callback": text_of(options, "callbackurl")}
        if "salt" in options:
            waybill.extra["salt"] = text_of(options, "salt")
        return Done(reply=agreed("提交成功") if first else refused("501", "重复订阅"), effective=first)

    def push(self, carrier: str, number: str, *, status: str = "", message: str = "") -> Push:
        """The full history, to the address and with the salt of the subscription (the account's when none was made)."""
        waybill = self.world.waybills[carrier, number]
        company = _NAMES.get(carrier, carrier)
        result = result_of(waybill, company)
        param = compact(
            {
                "status": status or ("shutdown" if result["ischeck"] == "1" else "polling"),
                "billstatus": "",
                "message": message,
                "autoCheck": "0",
                "comOld": "",
                "comNew": "",
                "lastResult": result,
            }
        )
        salt = waybill.extra.get("salt", self.world.accounts.kuaidi100_salt)
        path = urlsplit(waybill.extra.get("callback", "")).path or "/webhooks/kuaidi100"
        return form_push(path, {"param": param, "sign": md5_hex(param + salt).upper()})

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        answer = parsed(body) or {}
        return status == 200 and answer.get("result") is True and answer.get("returnCode") == "200"

    # booking

    async def order(self, request: web.Request) -> web.StreamResponse:
        form = form_of(await request.read())
        param = parsed(form.get("param", "")) or {}
        operation = _METHODS.get(form.get("method", ""), "unknown")
        ask = Ask(
            provider=self.code,
            operation=operation,
            key=text_of(param, "thirdOrderId", "taskId"),
            number=text_of(param, "kuaidinum"),
            summary={"method": form.get("method", ""), "param": param},
        )
        refusal = self._gate(form)
        return await respond(
            self.world,
            request,
            ask,
            lambda: Done(reply=refusal) if refusal else self._deeds[operation](param),
            lambda: refused("400", "该地区暂不支持下单"),
        )

    def _gate(self, form: Mapping[str, str]) -> Reply | None:
        accounts = self.world.accounts
        if form.get("key") != accounts.kuaidi100_key:
            return refused("600", "key错误")
        text = form.get("param", "") + form.get("t", "") + accounts.kuaidi100_key + accounts.kuaidi100_secret
        return None if same(form.get("sign", ""), md5_hex(text).upper()) else refused("503", "验证签名失败")

    def _book(self, param: Mapping[str, object]) -> Done:
        needed = ("kuaidicom", "recManName", "recManMobile", "recManPrintAddr", "sendManName", "sendManPrintAddr")
        if missing := [name for name in needed if not text_of(param, name)]:
            return Done(reply=refused("400", f"{missing[0]} 不能为空"))
        carrier = COMPANIES.get(text_of(param, "kuaidicom"), text_of(param, "kuaidicom"))
        known = self.world.booked(carrier, text_of(param, "thirdOrderId"))
        if known and "task" in known.extra and self.world.clock() - known.created_at < _REPEAT_WINDOW:
            return Done(reply=agreed("成功", order_of(known)), number=known.number)
        waybill = self.world.book(carrier, text_of(param, "thirdOrderId"), phone=text_of(param, "recManMobile"))
        waybill.extra |= {"task": f"TASK{self.world.serial():012d}", "order": str(self.world.serial())}
        return Done(reply=agreed("成功", order_of(waybill)), effective=True, number=waybill.number)

    def _cancel(self, param: Mapping[str, object]) -> Done:
        task, order = text_of(param, "taskId"), text_of(param, "orderId")
        booked = (one for one in self.world.waybills.values() if task and one.extra.get("task") == task)
        waybill = next(booked, None)
        if waybill is None or waybill.extra.get("order") != order:
            return Done(reply=refused("400", "订单不存在"))
        if waybill.state is WaybillState.CANCELLED or waybill.handed_over:
            return Done(reply=refused("500", "订单已取消或已揽收"), number=waybill.number)
        waybill.state = WaybillState.CANCELLED
        return Done(reply=agreed("成功"), effective=True, number=waybill.number)

    def _intercept(self, param: Mapping[str, object]) -> Done:
        company = text_of(param, "kuaidicom")
        waybill = self.world.find(COMPANIES.get(company, company), text_of(param, "kuaidinum"))
        if waybill is None or not waybill.handed_over:
            return Done(reply=refused("400", "运单不可拦截"))
        first = "intercepted" not in waybill.extra
        waybill.extra["intercepted"] = "yes"
        return Done(reply=agreed("成功"), effective=first, number=waybill.number)

    @staticmethod
    def _unknown(param: Mapping[str, object]) -> Done:
        return Done(reply=refused("400", "method 不存在"))
