"""快递100 (kuaidi100): an aggregator over some 2,000 companies. Source: the fact sheet carriers/kuaidi100.md.

One number per query, and no number more often than once in 30 minutes: faster polling locks it (锁单). No rate per
second is published; the gateway's default applies.

Known limits. Foreign legs carry local time without an offset: basis unknown. A booking repeated under one thirdOrderId
gives the first one, for 48 hours; there is no look-up beside that. An accepted order without a waybill number (Yunda)
is `OutcomeUnknown` until a repetition brings it. Order callbacks tell no time: they get that of their arrival; 610
(failed) makes no scan. Unverified: layouts of order callbacks and interceptOrder (`intercept_fields`), https callbacks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.kuaidi100 import wire
from adapters.kuaidi100.events import read
from adapters.kuaidi100.orders import booking, callback, order
from adapters.kuaidi100.settings import Kuaidi100Settings
from adapters.kuaidi100.statuses import STATUSES
from adapters.kuaidi100.subscriptions import crosses, subscription
from adapters.kuaidi100.wire import signed
from gateway.contract.carrier import Can, CarrierAdapter, Outcome, Push, Reply, Verdict
from gateway.contract.client import post_form, unread
from gateway.contract.errors import BadSignature, Refused
from gateway.contract.reading import (
    Fields,
    as_object,
    form,
    last_four,
    listed,
    load_object,
    objects,
    required,
    text,
)
from gateway.contract.signing import compact, same, unsigned
from gateway.contract.writing import company_of, filled, millis
from gateway.domain import Booking, LegRef, Parcel, Scan

_FOREIGN = frozenset({"dhl", "fedex", "ups", "usps"})


class Kuaidi100Adapter(CarrierAdapter):
    """快递100 by its three products: queries, subscriptions, and orders on sibling hosts."""

    code = "kuaidi100"
    name = "快递100"
    confidence = "high"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = Kuaidi100Settings
    aggregator = True
    min_interval = 1800
    remembers_key = 48 * 3600
    statuses = STATUSES

    @classmethod
    def able(cls, settings: Kuaidi100Settings) -> Can:
        """Orders are signed with `secret` and booked with `company`; pushes come to `callback_url`."""
        lacking = Can.NOTHING if settings.secret else Can.BOOK | Can.CANCEL | Can.INTERCEPT
        lacking |= Can.NOTHING if settings.company else Can.BOOK
        return cls.can & ~lacking & ~(Can.NOTHING if settings.callback_url else Can.SUBSCRIBE)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each leg."""
        return [scan for leg in legs for scan in await self._query(leg, self._company(leg))]

    def verify(self, request: Push) -> None:
        """`sign` over `param` and our salt."""
        with unsigned():
            fields = form(request.body)
        expected = signed(fields.get("param", ""), self.settings.salt.get_secret_value())
        if "param" not in fields or not same(fields.get("sign", "").upper(), expected):
            raise BadSignature("sign: is not upper(md5(param + salt))")

    def receive(self, request: Push) -> list[Scan]:
        """The whole history of a number, on both sides of a border, or a state of an order of ours."""
        fields = form(request.body)
        param = load_object(required(fields, "param"))
        if "lastResult" not in param and ("taskId" in fields or "kuaidinum" in param):
            return self._scans(callback(param, request.received_at or self.clock()), abroad=True)
        aborted, there = text(param, "status") == "abort", param.get("destResult")
        result = as_object(param.get("lastResult") or ({} if aborted else None), "lastResult")
        if not aborted and text(result, "status") in {"", "200"}:
            listed(result, "data")
        beyond = there if isinstance(there, dict) and there.get("data") else None
        scans = self._scans(result, abroad=beyond is not None)
        if beyond:  # across the border it may have another number: it is still the parcel that was subscribed
            scans += self._scans({**beyond, "nu": result.get("nu"), "com": result.get("com")}, abroad=True)
        return scans + (self._given_up(text(param, "message"), scans) if aborted else [])

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"result": True, "returnCode": "200", "message": "成功"})
        status = 401 if outcome.verdict is Verdict.FORGED else 200
        return Reply.json({"result": False, "returnCode": "500", "message": "失败"}, status=status)

    async def subscribe(self, leg: LegRef) -> None:
        """Every event from now on; without a company it is detected. 501 is "subscribed already"."""
        said = subscription(self.settings, leg)
        wire.agreed(await post_form(self.http, "/poll", said), {"200", "501"}, wire.DEED_AGAIN)

    async def detect(self, number: str) -> list[str]:
        """By autonumber, documented for plain http, with the key in the address: base_url's scheme is used."""
        logging.getLogger("httpx").addFilter(wire.without_key)
        asked, address = {"num": number, "key": self.settings.key.get_secret_value()}, "/autonumber/auto"
        return wire.companies(await self.http.get(wire.at(self.settings, "www", address), params=asked))

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """`key` is the thirdOrderId; 501 is a repetition, which gives the first booking."""
        param = order(self.settings, parcel, self._company(None), key)
        answer = await self._call("order", "/order/borderbestapi.do", "bOrderBest", param)
        wire.agreed(answer, {"200", "501"}, wire.DEED_AGAIN)
        return booking(answer)

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no look-up by our key. Booking again under it is safe: it gives the first booking for 48 h."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """By task and order."""
        param = {"taskId": leg.extra.get("taskId", ""), "orderId": leg.reference, **self.settings.cancel_fields}
        wire.cancelled(await self._call("order", "/order/borderbestapi.do", "cancelBest", param))

    async def intercept(self, leg: LegRef) -> str:
        """Without callbackUrl: what its callbacks say is not published, and the way back shows in the scans."""
        param = {"kuaidicom": self._company(leg), "kuaidinum": leg.tracking_number, "orderId": leg.reference}
        param |= {name: value.get_secret_value() for name, value in (self.settings.partner or {}).items()}
        answer = await self._call("api", "/label/order", "interceptOrder", {**param, **self.settings.intercept_fields})
        wire.agreed(answer, {"200"}, wire.DEED_AGAIN)
        return answer["taskId"] or answer["orderId"] or leg.tracking_number

    async def _query(self, leg: LegRef, company: str) -> list[Scan]:
        asked = {"com": company, "num": leg.tracking_number, "phone": last_four(leg.phone)}
        param = compact(asked | {"from": "", "to": "", "resultv2": "4", "show": "0", "order": "desc"})
        sign = signed(param, self.settings.key.get_secret_value(), self.settings.customer)
        fields = {"customer": self.settings.customer, "sign": sign, "param": param}
        answer = await post_form(self.http, "/poll/query.do", fields)
        if wire.code(answer) in {"500", "201"}:  # nothing known of this number (yet)
            return []
        return self.told(answer, leg, company)

    def told(self, answer: Fields, leg: LegRef, company: str) -> list[Scan]:
        """What the answer to a query about `leg` says."""
        wire.agreed(answer, {"200"}, wire.QUERY_AGAIN)
        listed(answer, "data")
        said = {"nu": text(answer, "nu") or leg.tracking_number, "com": text(answer, "com") or company}
        return self._scans({**answer, **said}, abroad=crosses(leg))

    def _scans(self, result: Fields, *, abroad: bool) -> list[Scan]:
        if not (events := objects(result.get("data"), "data")):
            return []
        number, company = required(result, "nu"), text(result, "com")
        other, abroad = None if company in {self.settings.company, ""} else company, abroad or company in _FOREIGN
        return [read(event, self.meaning, number, other, abroad=abroad) for event in events]

    def _given_up(self, message: str, scans: list[Scan]) -> list[Scan]:
        """60 days without news are an end, dated by the last news (a replay says the same); 3 without a record not."""
        if "3天" in message or not scans:
            return []
        newest = max(scans, key=lambda scan: scan.at)
        word = "60天无变化" if "60天无变化" in message else f"abort:{message}"
        at = newest.at + timedelta(days=60 if word in self.statuses else 0)
        ended = replace(newest, at=at, **self.meaning(word)._asdict(), carrier_code=word, text=message)
        return [replace(ended, place="", inferred=False, confirmed=False)]

    async def _call(self, host: str, path: str, method: str, param: Fields) -> dict[str, str]:
        """A signed call of the order product; an answer that cannot be read leaves its outcome unknown."""
        if self.settings.secret is None:
            raise Refused("secret: is not set, and orders are signed with it")
        key, secret = self.settings.key.get_secret_value(), self.settings.secret.get_secret_value()
        said, t = compact(filled(param)), millis(self.clock())
        fields = {"method": method, "key": key, "t": t, "sign": signed(said, t, key, secret), "param": said}
        answer = await post_form(self.http, wire.at(self.settings, host, path), fields, deed=True)
        with unread(deed=True):
            data = answer["data"] if isinstance(answer.get("data"), dict) else {}
            ids = {name: text(data, name) for name in ("taskId", "orderId", "kuaidinum")}
            return {"returnCode": wire.code(answer), "message": text(answer, "message"), **ids}

    def _company(self, leg: LegRef | None) -> str:
        return company_of(self.code, leg, self.settings.company)
