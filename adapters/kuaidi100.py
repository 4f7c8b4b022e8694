"""快递100 (kuaidi100): an aggregator over some 2,000 companies. Source: the fact sheet carriers/kuaidi100.md.

One number per query, and no number more often than once in 30 minutes: faster polling locks it (锁单). No rate per
second is published; the gateway's default applies.

Known limits. Foreign legs carry local time without an offset: basis unknown. A booking repeated under one thirdOrderId
gives the first one, for 48 hours; there is no look-up beside that. An accepted order without a waybill number (Yunda)
is `OutcomeUnknown` until a repetition brings it. Order callbacks tell no time: they get that of their arrival; 610
(failed) makes no scan. Unverified: layouts of order callbacks and interceptOrder (`intercept_fields`), https callbacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from pydantic import Field

from gateway.contract import reading
from gateway.contract.carrier import Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.client import post_form, unread
from gateway.contract.errors import BadPayload, BadSignature, OutcomeUnknown, Refused, refusal
from gateway.contract.reading import SHANGHAI, as_object, load_object, required, says, text
from gateway.contract.secret import Secret
from gateway.contract.signing import compact, md5_hex, same, short_key
from gateway.domain import Basis, Booking, LegRef, Parcel, Party, Reason, Scan, Status

#: The sheet's table (e): codes and names of a row and what they mean. An event's code decides; without one, its name.
#: `order:` are the states of a booking of ours.
_ROWS: tuple[tuple[str, Status, Reason | None], ...] = (
    ("101 已下单 102 待揽收 order:0 order:1", Status.PRE_TRANSIT, None),
    ("1 揽收 103 已揽收 order:10", Status.PICKED_UP, None),
    ("0 在途 1001 到达派件城市 1002 干线 1003 转递 7 转投 12 已清关", Status.IN_TRANSIT, None),
    ("8 清关 10 待清关 11 清关中", Status.CUSTOMS, None),
    ("5 派件", Status.OUT_FOR_DELIVERY, None),
    ("501 投柜或驿站", Status.AVAILABLE_FOR_PICKUP, None),
    ("204 派件异常", Status.ATTEMPT_FAILED, None),
    ("206 无法联系", Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
    ("3 签收 301 本人签收 302 异常后签收 304 柜或站签收", Status.DELIVERED, None),
    ("303 代签", Status.DELIVERED, None),  # by text: available_for_pickup when it tells of a drop and of no 取走/签收
    ("6 退回 4 退签", Status.RETURNING, None),  # 4 by text: returned when it confirms that the sender has it
    ("401 已销单 order:9 order:99", Status.CANCELLED, None),
    ("60天无变化", Status.EXPIRED, None),  # the message of a push that gives up
    ("14 拒签 203 拒收", Status.EXCEPTION, Reason.REFUSED),  # the carrier still has it: not returned
    ("201 超时未签收 202 超时未更新 208 滞留", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("205 柜或驿站超时未取", Status.EXCEPTION, Reason.UNCLAIMED),
    ("207 超区", Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    ("209 破损", Status.EXCEPTION, Reason.DAMAGED),
    ("13 清关异常", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("210 销单 2 疑难", Status.EXCEPTION, Reason.OTHER),  # 210 is a request, 401 the fact; 2 by text: the reason
    ("order:15 order:155", Status.INFO, None),  # settled, weight corrected
)
_TIME = "%Y-%m-%d %H:%M:%S"
_NOT_YET = "未|待|请|失败|异常"
_TROUBLES = {"拒收|拒签": Reason.REFUSED, "破损": Reason.DAMAGED, "丢失|遗失": Reason.LOST}
_TROUBLES |= {"清关异常|扣关": Reason.CUSTOMS_HOLD}

#: Codes to try again, and after how many seconds; those that tell of our signature, key or balance.
_QUERY_AGAIN, _DEED_AGAIN, _CONFIG = {"501": None, "502": 60.0}, {"500": None}, frozenset({"503", "600", "601"})
_FOREIGN, _OUR_CLOCK = frozenset({"dhl", "fedex", "ups", "usps"}), frozenset({"CN", "HK", "MO", "TW"})


class Kuaidi100Settings(CarrierSettings):
    """base_url: https://poll.kuaidi100.com (orders then go to its siblings order. and api.), or one host for all.

    salt: ours, sent along so that callbacks are signed with it. secret: of the order product. company: the one company
    that a row reads or books. services: our service -> serviceType. ..._fields: more fields by the provider's names
    (dayType). partner: partnerId, partnerKey ... of interceptOrder.
    """

    customer: str = Field(min_length=1)
    key: Secret
    salt: Secret
    secret: Secret | None = None
    callback_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    company: str | None = Field(default=None, min_length=1)
    services: Mapping[str, str] = {}
    booking_fields: Mapping[str, str] = {}
    cancel_fields: Mapping[str, str] = {"cancelMsg": "取消寄件"}
    intercept_fields: Mapping[str, str] = {"interceptType": "RETURN_SEND_ADDR", "reason": "寄件人要求退回"}
    partner: Mapping[str, Secret] | None = None


class Kuaidi100(CarrierAdapter):
    code = "kuaidi100"
    name = "快递100"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = Kuaidi100Settings
    statuses = {word: Meaning(status, reason) for words, status, reason in _ROWS for word in words.split()}
    min_interval = 1800
    aggregator = True

    @classmethod
    def able(cls, settings: Kuaidi100Settings) -> Can:
        """Orders are signed with `secret` and booked with `company`; pushes come to `callback_url`."""
        lacking = Can.NOTHING if settings.secret else Can.BOOK | Can.CANCEL | Can.INTERCEPT
        lacking |= Can.NOTHING if settings.company else Can.BOOK
        return cls.can & ~lacking & ~(Can.NOTHING if settings.callback_url else Can.SUBSCRIBE)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        return [scan for leg in legs for scan in await self._query(leg, self._company(leg))]

    async def _query(self, leg: LegRef, company: str) -> list[Scan]:
        asked = {"com": company, "num": leg.tracking_number, "phone": reading.last_four(leg.phone)}
        param = compact(asked | {"from": "", "to": "", "resultv2": "4", "show": "0", "order": "desc"})
        sign = signed(param, self.settings.key.get_secret_value(), self.settings.customer)
        fields = {"customer": self.settings.customer, "sign": sign, "param": param}
        answer = await post_form(self.http, "/poll/query.do", fields)
        if _code(answer) in {"500", "201"}:  # nothing known of this number (yet)
            return []
        _agreed(answer, {"200"}, _QUERY_AGAIN)
        reading.listed(answer, "data")
        said = {"nu": text(answer, "nu") or leg.tracking_number, "com": text(answer, "com") or company}
        return self._scans(answer | said, abroad=_crosses(leg))

    def _scans(self, result: Mapping[str, Any], *, abroad: bool) -> list[Scan]:
        abroad, events = abroad or text(result, "com") in _FOREIGN, reading.objects(result.get("data"), "data")
        return [self._scan(required(result, "nu"), text(result, "com"), event, abroad) for event in events]

    def _scan(self, number: str, company: str, event: Mapping[str, Any], abroad: bool) -> Scan:
        word, remark = text(event, "statusCode") or text(event, "status"), text(event, "context")
        told, at = _told(word, remark), text(event, "ftime") or required(event, "time")
        return Scan(
            tracking_number=number,
            company=None if company in {self.settings.company, ""} else company,
            at=reading.local_time(at, UTC if abroad else SHANGHAI, "ftime", _TIME, "%Y-%m-%d %H:%M"),
            basis=Basis.UNKNOWN if abroad else Basis.CARRIER_ZONE,
            **(told or self.meaning(word))._asdict(),
            inferred=told is not None and told.status is Status.AVAILABLE_FOR_PICKUP,
            confirmed=word in {"301", "本人签收"},
            carrier_code=word,
            text=remark,
            place=text(event, "areaName") or text(event, "location"),
        )

    def verify(self, request: Push) -> None:
        try:
            fields = reading.form(request.body)
        except BadPayload as error:
            raise BadSignature("not a form") from error
        expected = signed(fields.get("param", ""), self.settings.salt.get_secret_value())
        if "param" not in fields or not same(fields.get("sign", "").upper(), expected):
            raise BadSignature("sign: is not upper(md5(param + salt))")

    def receive(self, request: Push) -> list[Scan]:
        fields = reading.form(request.body)
        param = load_object(required(fields, "param"))
        if "lastResult" not in param and ("taskId" in fields or "kuaidinum" in param):
            return self._order_state(param, request)
        aborted, there = text(param, "status") == "abort", param.get("destResult")
        result = as_object(param.get("lastResult") or ({} if aborted else None), "lastResult")
        if not aborted and text(result, "status") in {"", "200"}:
            reading.listed(result, "data")
        beyond = there if isinstance(there, dict) and there.get("data") else None
        scans = self._scans(result, abroad=beyond is not None)
        if beyond:  # across the border it may have another number: it is still the parcel that was subscribed
            scans += self._scans({**beyond, "nu": result.get("nu"), "com": result.get("com")}, abroad=True)
        return scans + (self._given_up(text(param, "message"), scans) if aborted else [])

    def _given_up(self, message: str, scans: list[Scan]) -> list[Scan]:
        """60 days without news are an end, dated by the last news (a replay says the same); 3 without a record not."""
        if "3天" in message or not scans:
            return []
        newest = max(scans, key=lambda scan: scan.at)
        word = "60天无变化" if "60天无变化" in message else f"abort:{message}"
        at = newest.at + timedelta(days=60 if word in self.statuses else 0)
        ended = replace(newest, at=at, **self.meaning(word)._asdict(), carrier_code=word, text=message)
        return [replace(ended, place="", inferred=False, confirmed=False)]

    def _order_state(self, param: Mapping[str, Any], request: Push) -> list[Scan]:
        """What became of a booking of ours; before it has a waybill number there is no parcel to tell of."""
        data = as_object(param.get("data", param), "data")
        word, number = "order:" + required(data, "status"), text(param, "kuaidinum") or text(data, "kuaidinum")
        if not number or word == "order:610":
            return []
        why = text(data, "cancelMsg99") or text(data, "cancelMsg9") or text(param, "message")
        came = (request.received_at or self.clock()).astimezone(UTC).strftime(_TIME)
        event = {"statusCode": word, "context": why, "ftime": came}
        return [self._scan(number, text(param, "kuaidicom"), event, abroad=True)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"result": True, "returnCode": "200", "message": "成功"})
        status = 401 if outcome.verdict is Verdict.FORGED else 200
        return Reply.json({"result": False, "returnCode": "500", "message": "失败"}, status=status)

    async def subscribe(self, leg: LegRef) -> None:
        if not self.settings.callback_url:
            raise Refused("callback_url: is not set, so pushes could not come")
        company, key = leg.company or self.settings.company or "", self.settings.key.get_secret_value()
        parameters = {"callbackurl": self.settings.callback_url, "salt": self.settings.salt.get_secret_value()}
        parameters |= {"resultv2": "4", "autoCom": "0" if company else "1", "phone": reading.last_four(leg.phone)}
        if _crosses(leg):
            ends = {"departureCountry": leg.origin[:2], "destinationCountry": leg.destination[:2]}
            parameters |= ends | {"interCom": "1"}
        asked = {"company": company, "number": leg.tracking_number, "from": "", "to": "", "key": key}
        said = {"schema": "json", "param": compact(asked | {"parameters": parameters})}
        _agreed(await post_form(self.http, "/poll", said), {"200", "501"}, _DEED_AGAIN)  # 501: subscribed already

    async def book(self, parcel: Parcel, key: str) -> Booking:
        services = {"": "", "standard": "", **self.settings.services}  # empty: the provider's default, 标准快递
        if parcel.service not in services:
            raise Refused(f"services: has no word for {parcel.service!r}")
        param = {"kuaidicom": self._company(None), **_person("rec", parcel.recipient), **_person("send", parcel.sender)}
        param |= {"cargo": "、".join(item.name for item in parcel.items), "remark": parcel.remark, "payment": "SHIPPER"}
        param |= {"weight": str(parcel.weight_g / 1000), "serviceType": services[parcel.service]}
        if back := self.settings.callback_url:
            salt = self.settings.salt.get_secret_value()
            param |= {"callBackUrl": back, "pollCallBackUrl": back, "salt": salt, "op": "1", "resultv2": "4"}
        param |= {**self.settings.booking_fields, "thirdOrderId": short_key(key, 32)}
        answer = await self._order("order", "/order/borderbestapi.do", "bOrderBest", param)
        _agreed(answer, {"200", "501"}, _DEED_AGAIN)  # 501: a repetition
        if not (number := answer["kuaidinum"]):
            raise OutcomeUnknown(f"order {answer['orderId']} is taken, its waybill number still to come")
        return Booking(tracking_number=number, reference=answer["orderId"], extra={"taskId": answer["taskId"]})

    async def find_booking(self, key: str) -> Booking | None:
        """None: there is no look-up by our key. Booking again under it is safe: it gives the first booking for 48 h."""
        return None

    async def cancel(self, leg: LegRef) -> None:
        """500 also answers for what is cancelled already (yes) and, by its text, for what was handed over (no)."""
        param = {"taskId": leg.extra.get("taskId", ""), "orderId": leg.reference, **self.settings.cancel_fields}
        answer = await self._order("order", "/order/borderbestapi.do", "cancelBest", param)
        late = re.search("已揽收|已取件|已收件", answer["message"])
        if late or not (answer["returnCode"] == "500" and "已取消" in answer["message"]):
            _agreed(answer, {"200"}, {} if late else _DEED_AGAIN)

    async def intercept(self, leg: LegRef) -> str:
        """Without callbackUrl: what its callbacks say is not published, and the way back shows in the scans."""
        param = {"kuaidicom": self._company(leg), "kuaidinum": leg.tracking_number, "orderId": leg.reference}
        param |= {name: value.get_secret_value() for name, value in (self.settings.partner or {}).items()}
        answer = await self._order("api", "/label/order", "interceptOrder", {**param, **self.settings.intercept_fields})
        _agreed(answer, {"200"}, _DEED_AGAIN)
        return answer["taskId"] or answer["orderId"] or leg.tracking_number

    async def _order(self, host: str, path: str, method: str, param: Mapping[str, str]) -> dict[str, str]:
        """A signed call of the order product; an answer that cannot be read leaves its outcome unknown."""
        if self.settings.secret is None:
            raise Refused("secret: is not set, and orders are signed with it")
        key, secret = self.settings.key.get_secret_value(), self.settings.secret.get_secret_value()
        said = compact({name: value for name, value in param.items() if value})
        t = str(int(self.clock().timestamp() * 1000))
        fields = {"method": method, "key": key, "t": t, "sign": signed(said, t, key, secret), "param": said}
        base = self.settings.base_url.replace("://poll.kuaidi100.", f"://{host}.kuaidi100.", 1)
        answer = await post_form(self.http, base.rstrip("/") + path, fields, deed=True)
        with unread(deed=True):
            data = answer["data"] if isinstance(answer.get("data"), dict) else {}
            ids = {name: text(data, name) for name in ("taskId", "orderId", "kuaidinum")}
            return {"returnCode": _code(answer), "message": text(answer, "message"), **ids}

    def _company(self, leg: LegRef | None) -> str:
        known: str | None = (leg and leg.company) or self.settings.company
        if not known:
            raise Refused("company: the carrier has no alias for kuaidi100, and this row names no company")
        return known


def signed(*parts: str) -> str:
    """UPPER md5hex of the parts in a row: param+key+customer, param+t+key+secret, param+salt."""
    return md5_hex("".join(parts)).upper()


def _told(word: str, remark: str) -> Meaning | None:
    """What the text makes of the codes whose row says so."""
    waits = re.search("待取|取货码|取件码|提货码", remark)
    taken = says(remark, "取走|签收", _NOT_YET + ("|代签收|代收" if waits else ""))
    if word in {"4", "退签"} and says(remark, "退回签收|退件签收|寄件人已签收", _NOT_YET):
        return Meaning(Status.RETURNED)
    if word in {"303", "代签"} and not taken and (waits or re.search("驿站|快递柜|代收点|自提柜", remark)):
        return Meaning(Status.AVAILABLE_FOR_PICKUP)
    reasons = [reason for words, reason in _TROUBLES.items() if word in {"2", "疑难"} and re.search(words, remark)]
    return Meaning(Status.EXCEPTION, reasons[0]) if reasons else None


def _code(answer: Mapping[str, Any]) -> str:
    """returnCode of an error, status of a query, code of the label product; "" when the answer contradicts itself."""
    code = text(answer, "returnCode") or text(answer, "code") or text(answer, "status")
    return "" if code == "200" and "false" in {text(answer, "result"), text(answer, "success")} else code


def _agreed(answer: Mapping[str, Any], yes: set[str], again: Mapping[str, float | None]) -> None:
    """Raise what a no means."""
    if (code := _code(answer)) not in yes:
        raise refusal(code, text(answer, "message"), again, _CONFIG)


def _person(role: str, party: Party) -> dict[str, str]:
    end, phone = party.address, party.phone.removeprefix("+86")
    where = "".join(dict.fromkeys((end.region, end.city, end.district, end.address)))  # 北京市 is both
    return {f"{role}ManName": party.name, f"{role}ManMobile": phone, f"{role}ManPrintAddr": where}


def _crosses(leg: LegRef) -> bool:
    """Whether a leg leaves the zone whose clock is +08:00, by the countries its ends begin with."""
    countries = {end[:2] for end in (leg.origin, leg.destination) if re.match(r"[A-Z]{2}(-|$)", end)}
    return bool(countries - _OUR_CLOCK)
