"""顺丰 SF Express, 丰桥 (Fengqiao) open platform. Source: the fact sheet carriers/sf.md.

Pushes are unsigned and need a secret path. No pace is published (30 calls a second and a daily cap are said); the
gateway's default applies. The poll follows a parcel that goes on under another number (648, 631) for one step.
Known limits, unverified: ten numbers per query, business codes (`order_codes`), the layouts of route registration and
intercept (`..._fields`), code 658, the answer to order-state pushes. Abroad, times may be local without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import Field

from gateway.contract import reading
from gateway.contract.carrier import Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.client import post_form, unread
from gateway.contract.errors import BadSignature, OutcomeUnknown, Refused, Unavailable, refusal
from gateway.contract.reading import SHANGHAI, as_object, listed, load_object, objects, required, says, text
from gateway.contract.secret import Secret
from gateway.contract.signing import compact, java_quoted, md5_base64, short_key
from gateway.contract.tokens import Token, TokenCache
from gateway.domain import Basis, Booking, LegRef, Parcel, Party, Reason, Scan, Status

_Fields = Mapping[str, Any]
#: The sheet's table (e): opCodes; secondaryStatusCodes of a query; states of an order-state push (04-, 05-).
_OPS: tuple[tuple[str, Status, Reason | None], ...] = (
    ("646 647 127 141 201 202 205 206 131 04-40037 04-40001", Status.PRE_TRANSIT, None),  # 131: pickup failed
    ("50 54 41 43 46 129 138 188 214 633 651 655 656 700 701 850 851 950 05-40003", Status.PICKED_UP, None),
    ("secondary:101", Status.PICKED_UP, None),
    ("10 11 30 31 36 105 106 88 89 136 137 147 186 187 189 190 208 302 305 310 3036", Status.IN_TRANSIT, None),
    ("405 406 407 501 570 571 605 626 627 643 649 664 607 830 831 86 87 96 98", Status.IN_TRANSIT, None),
    ("900 921 930 931 932 126 14 606 613 623 secondary:201 secondary:205", Status.IN_TRANSIT, None),  # 14..: cleared
    ("99", Status.IN_TRANSIT, None),  # by text: 退回 is returning
    ("15 16 17 604 612 614 619 620 secondary:204", Status.CUSTOMS, None),
    ("44 47 204 34 122 123 211 212 630 634 677 880 933 secondary:301", Status.OUT_FOR_DELIVERY, None),
    ("125 130 642 632 657 678 658", Status.AVAILABLE_FOR_PICKUP, None),  # 658 by text: 签收/取件 is delivered
    ("80 8000 128 679 935 secondary:401", Status.DELIVERED, None),
    ("70", Status.ATTEMPT_FAILED, None),  # by text: the reason, and 拒收 is exception / refused; by reasonCode: 46
    ("660 215 648 631", Status.RETURNING, None),  # 648, 631 by text: in_transit when only 转寄 is told, not 退回
    ("870 33 934 72 611", Status.EXCEPTION, Reason.OTHER),
    ("66 77 833", Status.EXCEPTION, Reason.CARRIER_DELAY),
    ("18 621", Status.EXCEPTION, Reason.CUSTOMS_HOLD),
    ("140 135 75 84 64 65", Status.INFO, None),
)
_ATTEMPTS = {"拒收|拒签": Meaning(Status.EXCEPTION, Reason.REFUSED)}
_ATTEMPTS |= {"收件人不在|客户不在|无法联系|联系不上": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT)}
_ATTEMPTS |= {"地址": Meaning(Status.ATTEMPT_FAILED, Reason.ADDRESS_PROBLEM)}
#: On a number that was followed because the parcel goes back, everything on the way is the way back.
_BACK = dict.fromkeys(set(Status) - {Status.EXCEPTION, Status.INFO, Status.UNKNOWN, Status.CANCELLED}, Status.RETURNING)
_BACK |= {Status.DELIVERED: Status.RETURNED}

#: Codes of the gateway in front of all services: to try again and after how many seconds; for a person to mend.
_AGAIN: Mapping[str, float | None] = {"A1002": None, "A1005": 60, "A1007": None, "A1009": None, "A1099": None}
_CONFIG = frozenset({"A1003", "A1004", "A1006", "A1010"})


class SFSettings(CarrierSettings):
    """base_url: https://bspgw.sf-express.com (HK: sfapi-hk, sandbox: sfapi-sbox); token_url is beside it, or absolute.

    check_word: 校验码, in both modes of auth. services: our service -> expressTypeId. cargo_name: of a parcel without
    items. register_fields: type 2 is by waybill. intercept_fields: serviceCode 2 is 退回, payMode 4 by monthly card.
    """

    partner_id: str = Field(min_length=1)
    check_word: Secret
    auth: Literal["digest", "oauth2"] = "digest"
    token_url: str = "/oauth2/accessToken"  # noqa: S105 - an address
    monthly_card: str = ""
    pay_method: Literal[1, 2, 3] = 1
    services: Mapping[str, int] = {"": 2, "standard": 2, "express": 1}
    cargo_name: str = "商品"
    order_codes: Mapping[str, str] = {"duplicate": "8016", "unknown": "8024", "cancelled": "8037"}
    register_fields: Mapping[str, Any] = {"type": "2"}
    intercept_fields: Mapping[str, Any] = {"serviceCode": "2", "role": "1", "payMode": "4"}


class SF(CarrierAdapter):
    code = "sf"
    name = "顺丰速运"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = SFSettings
    statuses = {word: Meaning(status, reason) for words, status, reason in _OPS for word in words.split()}
    batch = 10
    trusted_path = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tokens = TokenCache(self._token, self.clock)

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        phones = ",".join(sorted({reading.last_four(leg.phone) for leg in legs} - {""}))
        scans = await self._routes([leg.tracking_number for leg in legs], phones)
        return scans + await self._followed(scans, phones)

    async def _routes(self, numbers: Sequence[str], phones: str) -> list[Scan]:
        asked = {"language": "zh-CN", "trackingType": "1", "trackingNumber": list(numbers), "methodType": "1"}
        answer = await self._call("EXP_RECE_SEARCH_ROUTES", asked | {"checkPhoneNo": phones}) or {}
        found = ((one, route) for one in listed(answer, "routeResps") for route in objects(one.get("routes"), "routes"))
        return [self._scan(required(one, "mailNo"), route) for one, route in found]

    async def _followed(self, scans: Sequence[Scan], phones: str) -> list[Scan]:
        """What happened to parcels under the numbers they went on with."""
        told = sorted((one for one in scans if one.carrier_code in {"648", "631"}), key=lambda one: (one.at, one.text))
        found = ((re.search(r"新单号(?:为|是)?[:：]?\s*([A-Za-z]*\d{10,})", scan.text), scan) for scan in told)
        moved = {number[1]: scan for number, scan in found if number}
        try:
            later = await self._routes(list(moved)[-self.batch :], phones) if moved else []
        except Refused as error:
            if error.config:
                raise
            return []  # the history of the number we know is worth having without it
        return [_on_behalf(scan, moved[scan.tracking_number]) for scan in later if scan.tracking_number in moved]

    def _scan(self, number: str, route: _Fields) -> Scan:
        word, meaning = self._read(route)
        return Scan(
            tracking_number=number,
            at=reading.local_time(required(route, "acceptTime"), SHANGHAI, "acceptTime"),
            basis=Basis.CARRIER_ZONE,
            **meaning._asdict(),
            inferred=meaning != self.meaning(word),
            carrier_code=word,
            text=text(route, "remark"),
            place=text(route, "acceptAddress"),
            event_id=text(route, "id") or None,
        )

    def _read(self, route: _Fields) -> tuple[str, Meaning]:
        """The word that decides. The stage of a query comes first, but never hides that a parcel goes back."""
        op, stage = text(route, "opCode"), "secondary:" + text(route, "secondaryStatusCode")
        own = _told(op, route) or self.meaning(op)
        if stage not in self.statuses or own.status is Status.RETURNING or own == self.meaning(stage):
            return op or stage.removeprefix("secondary:"), own
        return stage, self.meaning(stage)

    def verify(self, request: Push) -> None:
        if not request.token:
            raise BadSignature("route pushes are not signed: only the secret path is trusted")

    def receive(self, request: Push) -> list[Scan]:
        said = _said(request)
        body = {} if said.startswith("<") else load_object(said)
        if said.startswith("<"):
            found = [dict(route.attrib) for route in reading.load_xml(said).iter("WaybillRoute")]
            routes = listed({"WaybillRoute": found or None}, "WaybillRoute")
        elif "orderState" in body:
            routes = [_as_route(state) for state in listed(body, "orderState") if text(state, "waybillNo")]
        else:
            routes = listed(reading.inside(body, "Body"), "WaybillRoute")
        return [self._scan(required(route, "mailno"), route) for route in routes]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """In the format in which the push came."""
        yes, status = outcome.verdict is Verdict.ACCEPTED, 401 if outcome.verdict is Verdict.FORGED else 200
        said = _said(outcome.push)
        if said.startswith("<"):
            head = "<Head>OK</Head>" if yes else '<Head>ERR</Head><ERROR code="4001">系统异常</ERROR>'
            body = f'<Response service="RoutePushService">{head}</Response>'
            return Reply(status=status, body=body.encode(), content_type="application/xml")
        if '"orderState"' in said:
            return Reply.json({"success": str(yes).lower(), "code": "0" if yes else "1", "msg": ""}, status=status)
        code, message = ("0000", "成功") if yes else ("1000", "系统异常")
        return Reply.json({"return_code": code, "return_msg": message}, status=status)

    async def subscribe(self, leg: LegRef) -> None:
        asked = {"language": "zh-CN", "attributeNo": leg.tracking_number, "checkPhoneNo": reading.last_four(leg.phone)}
        await self._call("EXP_RECE_REGISTER_ROUTE", asked | self.settings.register_fields)

    async def book(self, parcel: Parcel, key: str) -> Booking:
        if parcel.service not in self.settings.services:
            raise Refused(f"services: has no expressTypeId for {parcel.service!r}")
        order: dict[str, Any] = {"language": "zh-CN", "orderId": short_key(key, 64), "custReferenceNo": parcel.order_id}
        order |= {"contactInfoList": [_contact(1, parcel.sender), _contact(2, parcel.recipient)], "parcelQty": 1}
        cargo = [{"name": item.name, "count": item.quantity} for item in parcel.items]
        order |= {"cargoDetails": cargo or [{"name": self.settings.cargo_name}], "totalWeight": parcel.weight_g / 1000}
        order |= {"payMethod": self.settings.pay_method, "expressTypeId": self.settings.services[parcel.service]}
        order |= dict.fromkeys(("isDocall", "isReturnRoutelabel", "isUnifiedWaybillNo", "isGenWaybillNo"), 1)
        order |= {"remark": parcel.remark, "monthlyCard": self.settings.monthly_card}
        answer = await self._call("EXP_RECE_CREATE_ORDER", order, "duplicate", deed=True)
        with unread(deed=True):
            known = await self.find_booking(key) if answer is None else None
            return known or _booked(answer or {})

    async def find_booking(self, key: str) -> Booking | None:
        asked = {"searchType": "1", "orderId": short_key(key, 64), "language": "zh-CN"}
        answer = await self._call("EXP_RECE_SEARCH_ORDER_RESP", asked, "unknown")
        return None if answer is None else _booked(answer)

    async def cancel(self, leg: LegRef) -> None:
        waybills = [{"waybillType": 1, "waybillNo": leg.tracking_number}]
        asked = {"language": "zh-CN", "orderId": leg.reference, "dealType": 2, "waybillNoInfoList": waybills}
        answer = await self._call("EXP_RECE_UPDATE_ORDER", asked, "cancelled", deed=True)
        if answer is not None and text(answer, "resStatus") != "2":
            raise Refused("resStatus: order and waybill do not match", code=text(answer, "resStatus"))

    async def intercept(self, leg: LegRef) -> str:
        asked = {"waybillNo": leg.tracking_number, "monthlyCardNo": self.settings.monthly_card}
        answer = await self._call("EXP_RECE_WANTED_INTERCEPT", asked | self.settings.intercept_fields, deed=True)
        return text(answer or {}, "cusId") or leg.tracking_number

    async def _call(self, service: str, data: _Fields, but: str = "", *, deed: bool = False) -> dict[str, Any] | None:
        """msgData of the answer, None where it is the no that `but` expects. Raises what any other no means."""
        said = compact({name: value for name, value in data.items() if value != ""})
        token = await self._tokens.get() if self.settings.auth == "oauth2" else ""
        answer = await self._post(service, said, token, deed)
        if token and answer.get("apiResultCode") == "A1006":
            self._tokens.drop(token)
            answer = await self._post(service, said, await self._tokens.get(), deed)
        with unread(deed=deed):
            return _agreed(answer, deed, self.settings.order_codes.get(but))

    async def _post(self, service: str, said: str, token: str, deed: bool) -> dict[str, Any]:
        now, check_word = str(int(self.clock().timestamp() * 1000)), self.settings.check_word.get_secret_value()
        proof = {"accessToken": token} if token else {"msgDigest": md5_base64(java_quoted(said + now + check_word))}
        fields = {"partnerID": self.settings.partner_id, "requestID": self.nonce(), "serviceCode": service}
        fields |= {"timestamp": now, "msgData": said, **proof}
        return await post_form(self.http, "/std/service", fields, deed=deed)

    async def _token(self) -> Token:
        account = {"partnerID": self.settings.partner_id, "secret": self.settings.check_word.get_secret_value()}
        answer = await post_form(self.http, self.settings.token_url, account | {"grantType": "password"})
        if (code := required(answer, "apiResultCode")) != "A1000":
            raise refusal(code, text(answer, "apiErrorMsg"), _AGAIN, _CONFIG)
        with reading.unreadable("expiresIn", answer.get("expiresIn")):
            life = timedelta(seconds=float(required(answer, "expiresIn")))
            return Token(value=required(answer, "accessToken"), expires_at=self.clock() + life)


def _agreed(answer: Mapping[str, Any], deed: bool, but: str | None) -> dict[str, Any] | None:
    if (code := required(answer, "apiResultCode")) != "A1000":
        raise refusal(code, text(answer, "apiErrorMsg"), _AGAIN, _CONFIG)
    inner = answer.get("apiResultData")  # a JSON text; the documents print an object
    inner = load_object(inner) if isinstance(inner, str) else as_object(inner, "apiResultData")
    code, detail = text(inner, "errorCode"), text(inner, "errorMsg")
    if text(inner, "success") == "true" and code in {"S0000", ""}:
        return as_object(inner.get("msgData") or {}, "msgData")
    if code and code == but:
        return None
    if re.search("系统异常|超时|繁忙", detail):
        raise OutcomeUnknown(detail, code=code) if deed and "超时" in detail else Unavailable(detail, code=code)
    raise Refused(detail, code=code)


def _booked(answer: _Fields) -> Booking:
    """filterResult 3: they do not deliver there. 1: somebody checks it; a booking once it has its number."""
    order, waybills = text(answer, "orderId"), objects(answer.get("waybillNoInfoList"), "waybillNoInfoList")
    if text(answer, "filterResult") == "3":
        raise Refused(f"not deliverable, remark {text(answer, 'remark')}", code="filterResult 3")
    if not (number := next((text(one, "waybillNo") for one in waybills if text(one, "waybillType") == "1"), "")):
        raise OutcomeUnknown(f"order {order} is taken, its waybill number still to come")
    return Booking(tracking_number=number, reference=order)


def _contact(kind: int, party: Party) -> dict[str, Any]:
    end, phone = party.address, party.phone.removeprefix("+86")
    said = {"company": party.company, "contact": party.name, "mobile": phone, "country": end.country}
    said |= {"province": end.region, "city": end.city, "county": end.district, "address": end.address}
    return {"contactType": kind, **{name: value for name, value in said.items() if value}}


def _told(op: str, route: _Fields) -> Meaning | None:
    """What the text (or reasonCode) makes of the opCodes whose row says so."""
    remark, why = text(route, "remark"), text(route, "remark") + text(route, "reasonName")
    if op == "658" and says(remark, "签收|取件", "未|待|请|码"):
        return Meaning(Status.DELIVERED)
    if op == "99" and "退回" in remark:
        return Meaning(Status.RETURNING)
    if op in {"648", "631"} and "转寄" in remark and "退回" not in remark:
        return Meaning(Status.IN_TRANSIT)
    if op == "70" and text(route, "reasonCode") == "46":  # the sender's cancellation, by one source: not a final
        return Meaning(Status.EXCEPTION, Reason.OTHER)
    return next((meaning for words, meaning in _ATTEMPTS.items() if op == "70" and re.search(words, why)), None)


def _on_behalf(scan: Scan, moved: Scan) -> Scan:
    """A scan of the number a parcel went on with, as one of the number we know."""
    told = replace(scan, tracking_number=moved.tracking_number)
    back = _BACK.get(scan.status) if moved.status is Status.RETURNING else None
    return replace(told, status=back, reason=None, inferred=True) if back else told


def _as_route(state: _Fields) -> dict[str, Any]:
    """A state of an order-state push in the words of a route."""
    said = {"mailno": "waybillNo", "acceptTime": "lastTime", "opCode": "orderStateCode", "remark": "orderStateDesc"}
    return {ours: state.get(theirs) for ours, theirs in said.items()}


def _said(request: Push) -> str:
    """The message of a push: the body, or the field `content` of a form; XML when it begins with <."""
    body = request.body.decode("utf-8-sig", "surrogateescape").strip()
    fields = [] if body[:1] in {"{", "<"} else parse_qsl(body, errors="surrogateescape")
    return dict(fields).get("content", "").strip() if fields else body
