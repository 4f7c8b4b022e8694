"""中通 ZTO, open platform (open.zto.com). Source: the fact sheet carriers/zto.md.

One number per query, no published pace (the gateway's default applies). Queries and pushes use the same words with
different meanings, hence tables per door; `carrier_code` says which: `query:ARRIVAL`, `push:ARRIVAL`, `preorder:6`.

Known limits. The app must keep the console's default digest, Base64(MD5(body + secret)). Pre-order pushes tell no
time: they get the one at which they came in. A push SIGNED is the recipient's (a signed return has its own word), a
query 签收 is not: after 退件 the fold decides. Unverified, from public clients: fields and "already" codes of
createIntercept (setting `intercept_destination`), fields of getOrderInfo, `account_type`, and the words that say
"already cancelled" and "no such order" (neither has a documented code).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import Field

from gateway.contract import reading
from gateway.contract.carrier import DEED, Can, CarrierAdapter, CarrierSettings, Meaning, Outcome, Push, Reply, Verdict
from gateway.contract.errors import BadPayload, BadSignature, ContractError, OutcomeUnknown, Refused, Unavailable
from gateway.contract.reading import SHANGHAI, as_object, epoch_time, load_object, local_time, objects, required, text
from gateway.contract.secret import Secret
from gateway.contract.signing import compact, md5_base64, same
from gateway.domain import Basis, Booking, LegRef, Parcel, Party, Reason, Scan, Status

_TROUBLE = Meaning(Status.EXCEPTION, Reason.OTHER)
#: Sheet (e): the meaning, and the words for it in a push, in the answer to a query, in a pre-order push.
_ROWS = (
    (Meaning(Status.PRE_TRANSIT), "ORDER ACCEPT", "", "1 2 3 15"),
    (Meaning(Status.PICKED_UP), "GOT", "收件 1", "4"),
    (Meaning(Status.IN_TRANSIT), "DEPARTURE ARRIVAL", "发件 2 到件 3 转单 9 安检 DEPARTURE 45", ""),
    (Meaning(Status.OUT_FOR_DELIVERY), "DISPATCH", "派件 4 DELIVERY", ""),
    (Meaning(Status.AVAILABLE_FOR_PICKUP), "INBOUND HANDOVERSCAN_SIGNED", "ARRIVAL 44", ""),
    (Meaning(Status.DELIVERED), "SIGNED DEPARTURE_SIGNED", "签收 5 SIGNED 7", ""),
    (Meaning(Status.RETURNING), "RETURN_SCAN", "退件 8", ""),
    (Meaning(Status.RETURNED), "RETURN_SIGNED", "", ""),
    (Meaning(Status.INFO), "", "", "5"),  # signed, says the pre-order: wait for the trace
    (_TROUBLE, "PROBLEM", "问题件 事件", "6"),  # 6: cancelled or failed
)
_DOORS = ("push", "query", "preorder")
_PROBLEMS = {
    "拒收": Meaning(Status.EXCEPTION, Reason.REFUSED),
    "破损": Meaning(Status.EXCEPTION, Reason.DAMAGED),
    "地址": Meaning(Status.EXCEPTION, Reason.ADDRESS_PROBLEM),
    "联系不上|不在": Meaning(Status.ATTEMPT_FAILED, Reason.RECIPIENT_ABSENT),
}
#: A request to cancel, or one that failed, has cancelled nothing.
_CANCELLED = "(?<!申请|请求|不能|不可|无法)(?<!未)取消(?!失败|申请|中)"
#: Codes the sheet refines by text: the first pattern found wins over the code's own meaning.
_BY_TEXT: Mapping[str, Mapping[str, Meaning]] = {
    **dict.fromkeys(("push:PROBLEM", "query:问题件", "query:事件"), _PROBLEMS),
    "push:RETURN_SCAN": {"改地址|转寄": Meaning(Status.IN_TRANSIT)},
    "preorder:6": {_CANCELLED: Meaning(Status.CANCELLED)},
}
#: The push has a word of its own for a signed return, so these are the recipient.
_RECIPIENT = frozenset({"push:SIGNED", "push:DEPARTURE_SIGNED"})

#: Sheet (c). Try again, with the seconds a quota asks for; after S200 and S202 a deed may have been done.
_BUSY: Mapping[str, float | None] = {"S200": None, "S202": None, "S203": None, "S206": 60, "S221": 1}
_MAYBE_DONE = frozenset({"S200", "S202"})
_CONFIG = frozenset({"S210", "S211", "S212", "S214", "E404", "E418"})
_ALREADY_INTERCEPTED = frozenset({"E23121", "E23127", "E23151"})
_ALREADY_CANCELLED, _NO_SUCH_ORDER = re.compile("已取消|已经取消|重复取消"), re.compile("不存在|未查询到|未找到|无此")


class ZtoSettings(CarrierSettings):
    """app_key, app_secret: the application's. account_*: the branch's e-waybill account, needed only for booking."""

    app_key: str = Field(min_length=1)
    app_secret: Secret
    account_id: str = ""
    account_password: Secret | None = None
    account_type: int = 1
    customer_id: str = ""
    partner_type: Literal["1", "2"] = "2"
    cancel_type: Literal["1", "2", "3", "4", "5", "6", "7"] = "1"
    intercept_destination: Literal[1, 2] = 2  #: 1 back to the branch, 2 back to the sender


class ZtoAdapter(CarrierAdapter):
    """中通 by its open platform: JSON calls signed in `x-dataDigest`, pushes as signed forms."""

    code = "zto"
    name = "中通快递"
    can = Can.POLL | Can.WEBHOOK | Can.SUBSCRIBE | Can.BOOK | Can.CANCEL | Can.INTERCEPT
    Settings = ZtoSettings
    statuses = {
        f"{door}:{word}": meaning
        for meaning, *columns in _ROWS
        for door, words in zip(_DOORS, columns, strict=True)
        for word in words.split()
    }

    @classmethod
    def able(cls, settings: ZtoSettings) -> Can:
        """Booking needs an e-waybill account."""
        return cls.can if settings.account_id and settings.account_password else cls.can & ~Can.BOOK

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every scan of each leg; an empty list is "nothing yet"."""
        return [scan for leg in legs for scan in await self._tracks(leg)]

    async def _tracks(self, leg: LegRef) -> list[Scan]:
        answer = await self._call("zto.merchant.waybill.track.query", _number_and_phone(leg))
        if "result" not in answer:
            raise BadPayload("result: is missing")
        return _signed_by_sender(
            [self._queried(row, leg.tracking_number) for row in objects(answer["result"], "result")]
        )

    def _queried(self, row: Mapping[str, Any], number: str) -> Scan:
        site, when = as_object(row.get("scanSite") or {}, "scanSite"), required(row, "scanDate")
        counted = re.fullmatch(r"[0-9]+(\.0*)?", when)  # milliseconds, as number or text; else local time
        at = (epoch_time if counted else local_time)(when, SHANGHAI, "scanDate")
        number, code = text(row, "billCode") or number, f"query:{required(row, 'scanType')}"
        scan = self._scan(number, code, at, text(row, "desc"), f"{text(site, 'city')} {text(site, 'name')}")
        return replace(scan, basis=Basis.GIVEN) if counted else scan

    def _scan(self, number: str, code: str, at: datetime, said: str, place: str, kind: str = "") -> Scan:
        """A scan with the meaning of its code, refined by kind and text where the sheet says so."""
        refinements = _BY_TEXT.get(code, {}).items()
        refined = next((meaning for pattern, meaning in refinements if re.search(pattern, f"{kind} {said}")), None)
        status, reason = refined or self.meaning(code)
        return Scan(
            tracking_number=number,
            at=at,
            basis=Basis.CARRIER_ZONE,
            status=status,
            reason=reason,
            carrier_code=code,
            text=said,
            place=place.strip(),
            inferred=refined is not None,
            confirmed=code in _RECIPIENT,
        )

    def verify(self, request: Push) -> None:
        """`data_digest` over the bytes of `data` as they are after form decoding."""
        data, given = _form_field(request.body, b"data"), _form_field(request.body, b"data_digest")
        if not data or not same(given.decode("utf-8", "surrogateescape"), self._digest(data)):
            raise BadSignature("zto: data_digest does not fit data")

    def receive(self, request: Push) -> list[Scan]:
        """One trace event, or one state of a pre-order (without a waybill number yet: no scan)."""
        event = load_object(_form_field(request.body, b"data"))
        if "pre_order_status" in event:
            return self._pre_order(event, request.received_at or self.clock()) if text(event, "bill_code") else []
        number, code = required(event, "billCode"), f"push:{required(event, 'action')}"
        at = local_time(required(event, "actionTime"), SHANGHAI, "actionTime")
        place, kind = f"{text(event, 'city')} {text(event, 'facilityName')}", text(event, "problemCode")
        return [self._scan(number, code, at, text(event, "desc"), place, f"{kind} {text(event, 'returnType')}")]

    def _pre_order(self, event: Mapping[str, Any], at: datetime) -> list[Scan]:
        number, code = text(event, "bill_code"), f"preorder:{required(event, 'pre_order_status')}"
        scan = self._scan(number, code, at.astimezone(SHANGHAI), text(event, "error_msg"), "")
        return [replace(scan, basis=Basis.GIVEN)]

    def acknowledge(self, outcome: Outcome) -> Reply:
        """Sheet (d)."""
        if outcome.verdict is Verdict.ACCEPTED:
            return Reply.json({"status": True, "message": "调用成功", "result": "成功", "statusCode": "200"})
        return Reply.json({"status": False, "message": outcome.verdict.value, "result": None, "statusCode": "500"})

    async def subscribe(self, leg: LegRef) -> None:
        await self._call("zto.merchant.waybill.track.subsrcibe", _number_and_phone(leg))  # spelt so by the vendor

    async def book(self, parcel: Parcel, key: str) -> Booking:
        """A 预约件 (orderType 2): the only kind that can be cancelled. `key` is the partnerOrderCode."""
        answer = await self._call("zto.open.createOrder", self._order(parcel, key), deed=True)
        return _booking(reading.inside(answer, "result"))

    def _order(self, parcel: Parcel, key: str) -> dict[str, Any]:
        ours = self.settings
        if not ours.account_id or ours.account_password is None:
            raise Refused("zto: booking needs the settings account_id and account_password", config=True)
        password = ours.account_password.get_secret_value()
        account = {"accountId": ours.account_id, "accountPassword": password, "type": ours.account_type}
        items = [{"name": item.name, "quantity": item.quantity, "weight": item.weight_g} for item in parcel.items]
        return {
            "partnerType": ours.partner_type,
            "orderType": "2",
            "partnerOrderCode": key,
            "accountInfo": _filled({**account, "customerId": ours.customer_id}),
            "senderInfo": _party(parcel.sender, "sender"),
            "receiveInfo": _party(parcel.recipient, "receiver"),
            "orderItems": [_filled(item) for item in items],
            "remark": parcel.remark,
        }

    async def find_booking(self, key: str) -> Booking | None:
        """By our own code; a booking that has no waybill number yet is OutcomeUnknown, to be asked for again."""
        try:
            answer = await self._call("zto.open.getOrderInfo", {"type": 0, "orderCode": key, "partnerOrderCode": key})
        except Refused as no:
            if no.config or no.code.startswith("S") or not _NO_SUCH_ORDER.search(no.detail):
                raise
            return None
        found = answer.get("result") or None
        rows = objects([found] if isinstance(found, dict) else found, "result")
        return next((_booking(row) for row in rows if text(row, "partnerOrderCode", key) == key), None)

    async def cancel(self, leg: LegRef) -> None:
        """By the order code of a leg we booked, else by the waybill number."""
        order = leg.extra.get("orderCode")
        which = {"orderCode": order} if order else {"billCode": leg.tracking_number}
        body = {"cancelType": self.settings.cancel_type, **which}
        await self._once("zto.open.cancelPreOrder", body, lambda no: _ALREADY_CANCELLED.search(no.detail))

    async def intercept(self, leg: LegRef) -> str:
        """Ask for the parcel to come back; our own request id, the same for every try."""
        destination = self.settings.intercept_destination
        request = f"{leg.tracking_number}-{destination}"
        body = {"billCode": leg.tracking_number, "requestId": request, "destinationType": destination}
        body["thirdBizNo"] = leg.reference or request
        await self._once("thirdcenter.createIntercept", body, lambda no: no.code in _ALREADY_INTERCEPTED)
        return request

    async def _once(self, api: str, body: Mapping[str, Any], already: Callable[[Refused], object]) -> None:
        """A deed whose refusal because it was done before is a yes."""
        try:
            await self._call(api, body, deed=True)
        except Refused as no:
            if not already(no):
                raise

    def _digest(self, body: bytes) -> str:
        return md5_base64(body + self.settings.app_secret.get_secret_value().encode())

    async def _call(self, api: str, body: Mapping[str, Any], *, deed: bool = False) -> dict[str, Any]:
        """The answer of one API whose `status` is true; its no, always inside HTTP 200, as an error."""
        content = compact(body).encode()
        headers = {"x-appKey": self.settings.app_key, "x-dataDigest": self._digest(content)}
        headers["content-type"] = "application/json; charset=UTF-8"
        response = await self.http.post(f"/{api}", content=content, headers=headers, extensions=DEED if deed else {})
        answer = load_object(response.content)
        if required(answer, "status") != "true":
            raise _no(answer, response.content, deed=deed)
        return answer


def _no(answer: Mapping[str, Any], raw: bytes, *, deed: bool) -> ContractError:
    code = text(answer, "statusCode")
    detail = f"zto {code}: {text(answer, 'message')}"
    if deed and code in _MAYBE_DONE:
        return OutcomeUnknown(detail, code=code)
    if code in _BUSY:
        return Unavailable(detail, code=code, retry_after=_BUSY[code])
    return Refused(detail, code=code, status=200, body=raw[:65536], config=code in _CONFIG)


def _signed_by_sender(scans: list[Scan]) -> list[Scan]:
    """签收 after 退件 on the same number is the sender's when its text says so; else the fold has to decide."""
    back = min((scan.at for scan in scans if scan.status is Status.RETURNING), default=None)
    said = [bool(re.search("退|寄件", scan.text)) and scan.status is Status.DELIVERED for scan in scans]
    return [
        replace(scan, status=Status.RETURNED, inferred=True) if back and back <= scan.at and sender else scan
        for scan, sender in zip(scans, said, strict=True)
    ]


def _booking(row: Mapping[str, Any]) -> Booking:
    order, number = required(row, "orderCode"), text(row, "billCode")
    if not number:
        raise OutcomeUnknown(f"zto: order {order} has no waybill number yet")
    return Booking(tracking_number=number, reference=order, extra={"orderCode": order})


def _number_and_phone(leg: LegRef) -> dict[str, str]:
    return _filled({"billCode": leg.tracking_number, "mobilePhone": reading.last_four(leg.phone)})


def _party(party: Party, role: str) -> dict[str, str]:
    at, phone = party.address, party.phone.removeprefix("+86")
    fields = {"Name": party.name, "Mobile": phone, "Phone": phone, "Province": at.region, "City": at.city}
    return _filled({role + n: v for n, v in {**fields, "District": at.district, "Address": at.address}.items()})


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", None)}


def _form_field(body: bytes, name: bytes) -> bytes:
    """The decoded bytes of a form field (the first, if repeated); empty when it is not there."""
    values = (part[len(name) + 1 :] for part in body.split(b"&") if part.startswith(name + b"="))
    return unquote_to_bytes(next(values, b"").replace(b"+", b" "))
